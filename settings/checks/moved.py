"""Addresses of running machines: a port would change its address at once, but its machine would not."""

from __future__ import annotations

from collections.abc import Iterator

from settings.problem import Problem
from settings.redact import redacted
from settings.rules import Context

#: Machines that a message names.
_SHOWN = 4


def errors(context: Context) -> Iterator[Problem]:
    """One problem for each role or pool that would be cut off. Other addresses stay with their network."""
    settings, plan, running = context.settings, context.plan, context.running
    if running is None:
        return
    moved = [
        f"{gateway.hostname} from {before} to {gateway.edge_address}"
        for gateway in plan.gateways
        if (before := running.edge_addresses.get(gateway.hostname, gateway.edge_address)) != gateway.edge_address
    ]
    if moved:
        yield Problem(
            "gateways.edgeAddresses",
            redacted(settings.gateways.edge_addresses),
            f"would move {', '.join(moved)}: they are running, and would not know their new network or address",
            "set it and network.publicVip back, or bring up another stack and move there",
            others=("network.publicVip",),
        )
    for name, pool in settings.workers.items():
        moved = [
            f"{machine.hostname} from {before} to {machine.address}"
            for machine in plan.workers
            if machine.pool == name
            and (before := running.addresses.get(machine.hostname, machine.address)) != machine.address
        ]
        if not moved:
            continue
        part, value = ("firstAddress", pool.first_address) if pool.machines is None else ("machines", pool.machines)
        more = f" and {len(moved) - _SHOWN} more" if len(moved) > _SHOWN else ""
        yield Problem(
            f"workers.{name}.{part}",
            "" if value is None else redacted(value),
            f"would move {', '.join(moved[:_SHOWN])}{more}: they are running, and their ports would drop "
            "everything from their current addresses",
            "set it back, or create another pool there and remove this one afterwards",
            others=tuple(f"workers.{name}.{each}" for each in ("firstAddress", "machines")),
        )
