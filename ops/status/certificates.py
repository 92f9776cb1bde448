"""Certificates: when each one on the machines ends, and the administrator's own."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml
from cryptography import x509

from ops.status.machine_report import MachineReport
from settings.names import FIRST

DAY = 86400
AUTHORITIES = "authorities"
#: Files by what they are for; a directory that is named here stands for all files in it that are not.
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
ADMINISTRATOR = "administrator"
#: Common names of the first generation of authorities; others have theirs at the end (components/pki.py).
_COMMON_NAMES = ("kubernetes", "etcd-ca", "front-proxy-ca")


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
        """Whole days; negative when it has ended."""
        return int((self.ends - now) // DAY)


@dataclass(frozen=True)
class Group:
    """All certificates of a kind, as one row: `first` is the one that ends first."""

    kind: str
    count: int
    first: Certificate
    generations: tuple[str, ...] = ()
    due: int = 0
    """How many of them the next `pulumi up` renews."""


def read(looks: Iterable[MachineReport], renewed_before: float = 0) -> tuple[list[Certificate], list[str]]:
    """Every certificate of the machines, and what cannot be read as one.

    The next `pulumi up` renews those that end before the Unix time `renewed_before`.
    """
    found, problems = [], []
    for look in looks:
        answer = look.answer("certificates")
        if answer.problem:
            continue
        for file, text in _files(answer.text):
            try:
                certificates = x509.load_pem_x509_certificates(text.encode())
            except ValueError:
                problems.append(f"{look.name}: {file} holds no certificate")
                continue
            # In other files than those of authorities what follows is the issuer's.
            for one in certificates if kind(file) == AUTHORITIES else certificates[:1]:
                found.append(_certificate(kind(file), look.name, file, one, renewed_before))
    return found, problems


def administrator(kubeconfig: str, renewed_before: float = 0) -> list[Certificate]:
    """The one in the outputs; none where the kubeconfig has none of its own."""
    try:
        document: Any = yaml.safe_load(kubeconfig)
        data = document["users"][0]["user"]["client-certificate-data"]
        certificate = x509.load_pem_x509_certificate(base64.b64decode(data))
    except (KeyError, TypeError, IndexError, ValueError, binascii.Error, yaml.YAMLError):
        return []
    return [_certificate(ADMINISTRATOR, "", "kubeconfig", certificate, renewed_before)]


def _files(text: str) -> Iterator[tuple[str, str]]:
    """File and its certificates."""
    for part in text.split("# /")[1:]:
        name, _, content = part.partition("\n")
        yield f"/{name.strip()}", content


def _certificate(of: str, machine: str, file: str, certificate: x509.Certificate, renewed_before: float) -> Certificate:
    ends = int(certificate.not_valid_after_utc.timestamp())
    return Certificate(
        of,
        machine,
        file,
        certificate.subject.rfc4514_string(),
        int(certificate.not_valid_before_utc.timestamp()),
        ends,
        _generation(certificate.issuer),
        of != AUTHORITIES and ends < renewed_before,
    )


def _generation(issuer: x509.Name) -> str:
    """The generation of one of our authorities, by its common name."""
    for attribute in issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
        for name in _COMMON_NAMES:
            if attribute.value == name:
                return FIRST
            if str(attribute.value).startswith(f"{name}-"):
                return str(attribute.value).removeprefix(f"{name}-")
    return ""


def kind(file: str) -> str:
    """What a file is for."""
    folder = file.rpartition("/")[0] + "/"
    return _KINDS.get(file) or _KINDS.get(folder) or file


def grouped(certificates: Sequence[Certificate]) -> list[Group]:
    """One row a kind, the authorities first."""
    kinds = [*dict.fromkeys(_KINDS.values()), ADMINISTRATOR]
    kinds += [one.kind for one in certificates if one.kind not in kinds]
    groups = []
    for name in dict.fromkeys(kinds):
        mine = [one for one in certificates if one.kind == name]
        if mine:
            first, generations = min(mine, key=lambda one: one.ends), sorted({one.generation for one in mine} - {""})
            groups.append(Group(name, len(mine), first, tuple(generations), sum(one.due for one in mine)))
    return groups


def date(moment: int) -> str:
    """2027-11-21."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
