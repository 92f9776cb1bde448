"""Settings and addresses that cannot change while the cluster exists, compared with what the stack runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from settings.fixed import fixed
from settings.problem import Problem
from settings.redact import redacted
from settings.rules import Context

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
