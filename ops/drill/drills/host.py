"""A whole compute host is lost with every machine on it: only where one can be switched off from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ops.drill.drill import Drill
from ops.drill.drills.worker import node_of
from ops.drill.probes.database import DatabaseWrite
from ops.drill.probes.probe import Probe
from ops.drill.target import Target
from ops.drill.waiting import now_if


class HostLoss(Drill):
    """Machines of one role are on different hosts, so that one host takes at most one of each."""

    name = "host"
    about = "a compute host is lost with every machine on it (in a lab only)"
    order = 50
    detection_seconds = 120
    serving_seconds = 180
    recovery_seconds = 600

    def refusals(self, target: Target) -> Iterator[str]:
        """No host to switch off, or one that takes too much of a role."""
        if target.host is None:
            yield "a compute host cannot be switched off through OpenStack: only a lab's tests can do that"
            return
        lost = set(target.host.machines())
        for role, needed in (("gateway", 1), ("etcd", len(target.outputs.role("etcd")) // 2 + 1), ("control-plane", 1)):
            machines = target.outputs.role(role)
            left = [machine for machine in machines if machine.name not in lost]
            if machines and len(left) < needed:
                yield f"the host takes {len(machines) - len(left)} of {len(machines)} machines with the role {role}"

    def choose(self, target: Target) -> None:
        """Whether the database's primary is on it."""
        assert target.host is not None
        database = target.outputs.database
        if database and node_of(target, database.namespace, database.primary) in target.host.machines():
            self.away = frozenset({DatabaseWrite.name})

    def plan(self, target: Target) -> list[str]:
        """Fault and repair."""
        assert target.host is not None
        return [
            f"The compute host with {', '.join(sorted(target.host.machines()))} loses its power.",
            "The machines on other hosts go on.",
            "Then the host and its machines are switched on again.",
        ]

    def fault(self, target: Target) -> None:
        """Off."""
        assert target.host is not None
        target.away.update(target.host.machines())
        target.host.off()

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """The cluster no longer calls one of its nodes Ready, or another etcd member is missed."""
        lost = [machine for machine in target.outputs.inventory if machine.name in target.away]
        nodes = [machine for machine in lost if machine.role in ("control-plane", "worker")]
        if nodes:
            return now_if(not all(target.node_ready(machine.name) for machine in nodes))
        endpoints = " ".join(entry["Endpoint"] for entry in target.etcd("status"))
        return now_if(not all(f"//{machine.address}:" in endpoints for machine in lost))

    def repair(self, target: Target) -> None:
        """On."""
        assert target.host is not None
        target.host.on()

    def inspect(self, target: Target) -> list[str]:
        """The services of the cloud."""
        return ["openstack compute service list", "openstack hypervisor list"]
