"""Rotation of keys and authorities in stages: everyone accepts the new one before anybody uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from settings.problem import Problem
from settings.rules import Context
from settings.running import Generations

_GUIDE: Final = "docs/rotation.md"


def authorities_are_trusted_before_they_issue(context: Context) -> Iterator[Problem]:
    key, authorities = "certificates.authorities", context.settings.certificates.authorities
    wanted = Generations(authorities.issuing, authorities.trusted)
    before = context.running.authorities if context.running and context.running.finished else None
    return _generations(f"{key}.issuing", f"{key}.trusted", "issues", wanted, before)


def ssh_keys_are_accepted_before_they_log_in(context: Context) -> Iterator[Problem]:
    key, keys = "access.sshKeys", context.settings.access.ssh_keys
    before = context.running.ssh_keys if context.running and context.running.finished else None
    return _generations(f"{key}.login", f"{key}.accepted", "logs in", Generations(keys.login, keys.accepted), before)


def _generations(
    used_key: str, accepted_key: str, uses: str, wanted: Generations, before: Generations | None
) -> Iterator[Problem]:
    """One step of a rotation at a time. `uses` is what the platform does with a generation, as a verb."""
    used, accepted = wanted.used, wanted.accepted
    listed, added = ", ".join(accepted), accepted_key.rpartition(".")[2]
    doubled = sorted({each for each in accepted if accepted.count(each) > 1})
    if doubled:
        yield Problem(accepted_key, listed, f"names {doubled[0]} twice", "name each generation once")
    if used not in accepted:
        rule = f"must be one of {accepted_key}, which has {listed or 'none'}"
        yield Problem(used_key, used, rule, f"add {used} there", others=(accepted_key,))
    elif before and before.used not in accepted:
        rule = f"leaves out {before.used}, which the running platform {uses} with"
        fix = f"keep {before.used} until an `up` with another {used_key} has succeeded ({_GUIDE})"
        yield Problem(accepted_key, listed, rule, fix, others=(used_key,))
    elif before and used != before.used and used not in before.accepted:
        rule = f"is not {added} yet by the running platform, which has {', '.join(before.accepted)}"
        fix = f"leave it at {before.used} for one `up` that adds {used} to {accepted_key} ({_GUIDE})"
        yield Problem(used_key, used, rule, fix, others=(accepted_key,))


def certificates_outlive_their_renewal(context: Context) -> Iterator[Problem]:
    leaf, renewal = context.settings.certificates.leaf_validity_hours, context.settings.certificates.renewal_hours
    if renewal >= leaf:
        rule = f"must be less than certificates.leafValidityHours, which is {leaf}: every `up` would renew everything"
        fix = f"use {max(leaf // 6, 1)}" if leaf > 1 else "raise certificates.leafValidityHours"
        others = ("certificates.leafValidityHours",)
        yield Problem("certificates.renewalHours", str(renewal), rule, fix, others)
