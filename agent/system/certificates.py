"""Certificates. A stand-in until the module of that name is merged: only what others rely on."""

from collections.abc import Sequence
from pathlib import Path

from agent.machine import Failed, Machine


def issuer_first(machine: Machine, leaf: Path, authorities: Path) -> tuple[str, ...]:
    """The digests of the authorities, the one that issued `leaf` first."""
    raise NotImplementedError


def refuse_skipped_stage(now: Sequence[str], wanted: Sequence[str], generation: str) -> None:
    """Raises Failed when more than one stage of a rotation is between them."""
    if wanted[0] not in now:
        raise Failed(f"this machine does not trust the authorities of generation {generation} yet")
    if now[0] not in wanted:
        raise Failed("the authorities that issued this machine's certificates are not to be trusted any more")
