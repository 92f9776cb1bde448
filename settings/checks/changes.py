"""Changes of a running platform: settings and addresses that must stay, and keys that are rotated in stages.

In a rotation everyone accepts the new key or authority before anybody uses it (docs/rotation.md).
"""

from collections.abc import Iterator
from typing import Final

from settings.platform import fixed
from settings.problem import Problem
from settings.redact import redacted
from settings.rules import Context
from settings.running import Generations

#: Machines that a message names.
_SHOWN: Final = 4


def fixed_settings_stay(context: Context) -> Iterator[Problem]:
    before = context.running.fixed if context.running else {}
    for key, value in fixed(context.settings, context.cluster, context.plan).items():
        if (old := before.get(key, value)) != value:
            rule = f"cannot change while the cluster exists, which has {old}"
            yield Problem(key, value, rule, f"set it back to {old}, or bring up another stack and move there")


def gateways_keep_their_addresses(context: Context) -> Iterator[Problem]:
    """A port would change its address at once, but its machine would not."""
    before = context.running.edge_addresses if context.running else {}
    moved = [
        f"{gateway.hostname} from {old} to {gateway.edge_address}"
        for gateway in context.plan.gateways
        if (old := before.get(gateway.hostname, gateway.edge_address)) != gateway.edge_address
    ]
    if moved:
        value = redacted(context.settings.gateways.edge_addresses)
        rule = f"would move {', '.join(moved)}: they are running, and would not know their new network or address"
        fix = "set it and network.publicVip back, or bring up another stack and move there"
        yield Problem("gateways.edgeAddresses", value, rule, fix, others=("network.publicVip",))


def workers_keep_their_addresses(context: Context) -> Iterator[Problem]:
    """One problem for each pool that would be cut off. Other addresses stay with their network."""
    before = context.running.addresses if context.running else {}
    moved: dict[str, list[str]] = {}
    for machine in context.plan.workers:
        if (old := before.get(machine.hostname, machine.address)) != machine.address:
            moved.setdefault(machine.pool, []).append(f"{machine.hostname} from {old} to {machine.address}")
    for name, pool in context.settings.workers.items():
        if not (machines := moved.get(name)):
            continue
        part, value = ("firstAddress", pool.first_address) if pool.machines is None else ("machines", pool.machines)
        more = f" and {len(machines) - _SHOWN} more" if len(machines) > _SHOWN else ""
        rule = (
            f"would move {', '.join(machines[:_SHOWN])}{more}: they are running, and their ports would drop "
            "everything from their current addresses"
        )
        fix = "set it back, or create another pool there and remove this one afterwards"
        others = tuple(f"workers.{name}.{each}" for each in ("firstAddress", "machines"))
        yield Problem(f"workers.{name}.{part}", "" if value is None else redacted(value), rule, fix, others)


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
        fix = f"keep {before.used} until an `up` with another {used_key} has succeeded (docs/rotation.md)"
        yield Problem(accepted_key, listed, rule, fix, others=(used_key,))
    elif before and used != before.used and used not in before.accepted:
        rule = f"is not {added} yet by the running platform, which has {', '.join(before.accepted)}"
        fix = f"leave it at {before.used} for one `up` that adds {used} to {accepted_key} (docs/rotation.md)"
        yield Problem(used_key, used, rule, fix, others=(accepted_key,))


def certificates_outlive_their_renewal(context: Context) -> Iterator[Problem]:
    leaf, renewal = context.settings.certificates.leaf_validity_hours, context.settings.certificates.renewal_hours
    if renewal >= leaf:
        rule = f"must be less than certificates.leafValidityHours, which is {leaf}: every `up` would renew everything"
        fix = f"use {max(leaf // 6, 1)}" if leaf > 1 else "raise certificates.leafValidityHours"
        others = ("certificates.leafValidityHours",)
        yield Problem("certificates.renewalHours", str(renewal), rule, fix, others)
