"""Host names of machines, which are composed of several settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from settings.plan import PlannedMachine
from settings.problem import Problem
from settings.rules import Context

#: Longest label of a DNS name (RFC 1035, section 2.3.4), and of a node's label kubernetes.io/hostname.
LONGEST_HOST_NAME: Final = 63


def errors(context: Context) -> Iterator[Problem]:
    """Host names that are too long, one for each pool, and host names of two machines."""
    plan = context.plan
    longest: dict[str, PlannedMachine] = {}
    seen: dict[str, PlannedMachine] = {}
    for machine in plan.workers:
        if len(machine.hostname) > len(longest.get(machine.pool, _NONE).hostname):
            longest[machine.pool] = machine
        other = seen.setdefault(machine.name, machine)
        if other is not machine:
            yield Problem(
                f"workers.{machine.pool}",
                "",
                f"has a machine called {machine.name}, and so has workers.{other.pool}",
                "rename one of the pools or machines",
            )
    for pool, machine in longest.items():
        excess = len(machine.hostname) - LONGEST_HOST_NAME
        if excess > 0:
            yield Problem(
                f"workers.{pool}",
                "",
                f"makes the host name {machine.hostname}, {len(machine.hostname)} characters, and DNS takes "
                f"{LONGEST_HOST_NAME}",
                f"shorten clusterName, the pool's name or the machine's key by {excess}",
                others=("clusterName",),
            )


_NONE: Final = PlannedMachine(name="", hostname="", role="worker", address="")
