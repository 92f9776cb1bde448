"""Rotation of keys and authorities in stages: everyone accepts the new one before anybody uses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from settings.problem import Problem
from settings.rules import Context
from settings.running import Generations

_GUIDE = "docs/rotation.md"


@dataclass(frozen=True)
class _Kind:
    """One kind of generation: its keys in the stack file, and its words in messages."""

    used_key: str
    accepted_key: str
    accepted_word: str
    use_word: str


_AUTHORITIES = _Kind("certificates.authorities.issuing", "certificates.authorities.trusted", "trusted", "issues")
_SSH_KEYS = _Kind("access.sshKeys.login", "access.sshKeys.accepted", "accepted", "logs in")


def errors(context: Context) -> Iterator[Problem]:
    """One step of a rotation at a time, and certificates that are valid for longer than their renewal window."""
    settings, running = context.settings, context.running
    authorities, keys = settings.certificates.authorities, settings.access.ssh_keys
    before = running if running and running.finished else None
    yield from _generations(
        _AUTHORITIES, authorities.issuing, authorities.trusted, before.authorities if before else None
    )
    yield from _generations(_SSH_KEYS, keys.login, keys.accepted, before.ssh_keys if before else None)
    leaf, renewal = settings.certificates.leaf_validity_hours, settings.certificates.renewal_hours
    if renewal >= leaf:
        yield Problem(
            "certificates.renewalHours",
            str(renewal),
            f"must be less than certificates.leafValidityHours, which is {leaf}: every `up` would renew everything",
            f"use {max(leaf // 6, 1)}" if leaf > 1 else "raise certificates.leafValidityHours",
            others=("certificates.leafValidityHours",),
        )


def _generations(kind: _Kind, used: str, accepted: Sequence[str], before: Generations | None) -> Iterator[Problem]:
    doubled = sorted({each for each in accepted if list(accepted).count(each) > 1})
    if doubled:
        yield Problem(kind.accepted_key, ", ".join(accepted), f"names {doubled[0]} twice", "name each generation once")
    if used not in accepted:
        yield Problem(
            kind.used_key,
            used,
            f"must be one of {kind.accepted_key}, which has {', '.join(accepted) or 'none'}",
            f"add {used} there",
            others=(kind.accepted_key,),
        )
        return
    if before is None:
        return
    if before.used not in accepted:
        yield Problem(
            kind.accepted_key,
            ", ".join(accepted),
            f"leaves out {before.used}, which the running platform {kind.use_word} with",
            f"keep {before.used} until an `up` with another {kind.used_key} has succeeded ({_GUIDE})",
            others=(kind.used_key,),
        )
    elif used != before.used and used not in before.accepted:
        yield Problem(
            kind.used_key,
            used,
            f"is not {kind.accepted_word} yet by the running platform, which has {', '.join(before.accepted)}",
            f"leave it at {before.used} for one `up` that adds {used} to {kind.accepted_key} ({_GUIDE})",
            others=(kind.accepted_key,),
        )
