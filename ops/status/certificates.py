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

from ops.status.look import Look

DAY = 86400
#: Files by what they are for; a directory that is named here stands for all files in it that are not.
_KINDS = {
    "/etc/kubernetes/pki/ca.crt": "authorities",
    "/etc/kubernetes/pki/front-proxy-ca.crt": "authorities",
    "/etc/kubernetes/pki/etcd/ca.crt": "authorities",
    "/etc/etcd/pki/ca.crt": "authorities",
    "/etc/kubernetes/pki/": "API server",
    "/etc/kubernetes/": "controllers",
    "/etc/etcd/pki/": "etcd",
    "/var/lib/kubelet/pki/": "kubelets",
}
ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Certificate:
    """One certificate. Times are Unix seconds; `machine` is empty for the one in the outputs."""

    kind: str
    machine: str
    file: str
    subject: str
    begins: int
    ends: int

    def days_left(self, now: float) -> int:
        """Whole days; negative when it has ended."""
        return int((self.ends - now) // DAY)


@dataclass(frozen=True)
class Group:
    """All certificates of a kind, as one row: `first` is the one that ends first."""

    kind: str
    count: int
    first: Certificate


def read(looks: Iterable[Look]) -> tuple[list[Certificate], list[str]]:
    """Every certificate of the machines, and what cannot be read as one."""
    found, problems = [], []
    for look in looks:
        answer = look.answer("certificates")
        if answer.problem:
            continue
        for file, text in _files(answer.text):
            try:
                certificate = x509.load_pem_x509_certificate(text.encode())
            except ValueError:
                problems.append(f"{look.name}: {file} holds no certificate")
                continue
            found.append(_certificate(kind(file), look.name, file, certificate))
    return found, problems


def administrator(kubeconfig: str) -> list[Certificate]:
    """The one in the outputs; none where the kubeconfig has none of its own."""
    try:
        document: Any = yaml.safe_load(kubeconfig)
        data = document["users"][0]["user"]["client-certificate-data"]
        certificate = x509.load_pem_x509_certificate(base64.b64decode(data))
    except (KeyError, TypeError, IndexError, ValueError, binascii.Error, yaml.YAMLError):
        return []
    return [_certificate(ADMINISTRATOR, "", "kubeconfig", certificate)]


def _files(text: str) -> Iterator[tuple[str, str]]:
    """File and its first certificate: what follows is its issuer's."""
    for part in text.split("# /")[1:]:
        name, _, content = part.partition("\n")
        end = "-----END CERTIFICATE-----"
        yield f"/{name.strip()}", content.split(end, 1)[0] + f"{end}\n"


def _certificate(of: str, machine: str, file: str, certificate: x509.Certificate) -> Certificate:
    return Certificate(
        of,
        machine,
        file,
        certificate.subject.rfc4514_string(),
        int(certificate.not_valid_before_utc.timestamp()),
        int(certificate.not_valid_after_utc.timestamp()),
    )


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
            groups.append(Group(name, len(mine), min(mine, key=lambda one: one.ends)))
    return groups


def date(moment: int) -> str:
    """2027-11-21."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
