"""Certificates. A stand-in until the module of that name is merged: only what others rely on."""

from collections.abc import Sequence
from pathlib import Path

from agent.machine import Machine


def split(pem: str) -> tuple[str, ...]:
    """The certificates."""
    raise NotImplementedError


def digests(pem: str) -> tuple[str, ...]:
    """12 hexadecimal digits for each certificate."""
    raise NotImplementedError


def issuer_first(machine: Machine, leaf: Path, authorities: Path) -> tuple[str, ...]:
    """The digests of the authorities, the one that issued the leaf first."""
    raise NotImplementedError


def refuse_skipped_stage(now: Sequence[str], wanted: Sequence[str], generation: str) -> None:
    """One stage of a rotation at a time."""
    raise NotImplementedError


def renewal_reason(machine: Machine, certificate: Path, issuing: str, renewal_seconds: int, generation: str) -> str:
    """Why the certificate must be renewed; nothing when it need not."""
    raise NotImplementedError
