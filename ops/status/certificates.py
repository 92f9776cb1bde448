"""Certificates: when each one on the machines expires, and the administrator's own."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml
from cryptography import x509

from ops.status.machine_report import UNREADABLE, MachineReport
from settings.names import FIRST

DAY = 86400
AUTHORITIES = "authorities"
ADMINISTRATOR = "administrator"
#: What files are for. A directory is for those of its files that are not named.
_KINDS = {
    "/etc/kubernetes/pki/ca.crt": AUTHORITIES,
    "/etc/kubernetes/pki/issuing-ca.crt": AUTHORITIES,
    "/etc/kubernetes/pki/front-proxy-ca.crt": AUTHORITIES,
    "/etc/kubernetes/pki/etcd/ca.crt": AUTHORITIES,
    "/etc/etcd/pki/ca.crt": AUTHORITIES,
    "/etc/kubernetes/pki/": "API server",
    "/etc/kubernetes/": "controllers",
    "/etc/etcd/pki/": "etcd",
    "/var/lib/kubelet/pki/": "kubelets",
}
#: Common names of authorities. Those of the first generation have nothing after it (components/pki.py).
_AUTHORITY = re.compile(r"(?:kubernetes|etcd-ca|front-proxy-ca)(?:-(?P<generation>.+))?")


@dataclass(frozen=True)
class Certificate:
    """One certificate. Times are Unix seconds; `machine` is empty for the one in the outputs.

    `generation` is that of the authority that issued it, or of the authority itself; empty for one that is not ours.
    `due` says that the next `pulumi up` renews it.
    """

    kind: str
    machine: str
    file: str
    subject: str
    begins: int
    ends: int
    generation: str = ""
    due: bool = False

    def days_left(self, now: float) -> int:
        """Whole days; negative after its end."""
        return int((self.ends - now) // DAY)


def read(reports: Iterable[MachineReport], renewed_before: float = 0) -> tuple[list[Certificate], list[str]]:
    """Every certificate of the machines, and what cannot be read as one.

    The next `pulumi up` renews those that end before the Unix time `renewed_before`.
    """
    found, problems = [], []
    for report in reports:
        for part in report.text("certificates").split("# /")[1:]:
            name, _, pem = part.partition("\n")
            file = f"/{name.strip()}"
            kind = _KINDS.get(file) or _KINDS.get(file.rpartition("/")[0] + "/") or file
            try:
                certificates = x509.load_pem_x509_certificates(pem.encode())
            except ValueError:
                problems.append(f"{report.name}: {file} contains no certificate")
                continue
            # Only the files of authorities have several of their own: elsewhere the issuer's follow.
            for one in certificates if kind == AUTHORITIES else certificates[:1]:
                found.append(_certificate(kind, report.name, file, one, renewed_before))
    return found, problems


def administrator(kubeconfig: str, renewed_before: float = 0) -> list[Certificate]:
    """The one in the outputs; none when the kubeconfig has none of its own."""
    try:
        document: Any = yaml.safe_load(kubeconfig)
        data = document["users"][0]["user"]["client-certificate-data"]
        certificate = x509.load_pem_x509_certificate(base64.b64decode(data))
    except (*UNREADABLE, yaml.YAMLError):
        return []
    return [_certificate(ADMINISTRATOR, "", "kubeconfig", certificate, renewed_before)]


def _certificate(kind: str, machine: str, file: str, found: x509.Certificate, renewed_before: float) -> Certificate:
    begins, ends = int(found.not_valid_before_utc.timestamp()), int(found.not_valid_after_utc.timestamp())
    issuers = [str(name.value) for name in found.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    ours = [match["generation"] or FIRST for match in map(_AUTHORITY.fullmatch, issuers) if match]
    due = kind != AUTHORITIES and ends < renewed_before
    return Certificate(kind, machine, file, found.subject.rfc4514_string(), begins, ends, "".join(ours[:1]), due)


def by_kind(certificates: Sequence[Certificate]) -> dict[str, list[Certificate]]:
    """The authorities first."""
    found: dict[str, list[Certificate]] = {kind: [] for kind in (*_KINDS.values(), ADMINISTRATOR)}
    for certificate in certificates:
        found.setdefault(certificate.kind, []).append(certificate)
    return {kind: mine for kind, mine in found.items() if mine}


def date(moment: int) -> str:
    """2027-11-21."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
