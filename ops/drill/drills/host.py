"""A whole compute host is lost with every machine on it: only where one can be switched off from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ops.drill.drill import Drill, now_if
from ops.drill.drills.worker import node_of
from ops.drill.probes.database import DatabaseWrite
from ops.drill.probes.probe import Probe
from ops.drill.target import Site


class HostLoss(Drill):
    """Machines of one role are on different hosts, so that one host takes at most one of each."""

    name = "host"
    about = "a compute host is lost with every machine on it (in a lab only)"
    order = 50
    detection_seconds = 120
    serving_seconds = 180
    recovery_seconds = 600

    def refusals(self, site: Site) -> Iterator[str]:
        """No host to switch off, or one that takes too much of a role."""
        if site.host is None:
            yield "a compute host cannot be switched off through OpenStack: only a lab's tests can do that"
            return
        lost = set(site.host.machines())
        for role, needed in (("gateway", 1), ("etcd", len(site.outputs.role("etcd")) // 2 + 1), ("control-plane", 1)):
            machines = site.outputs.role(role)
            left = [machine for machine in machines if machine.name not in lost]
            if machines and len(left) < needed:
                yield f"the host takes {len(machines) - len(left)} of {len(machines)} machines with the role {role}"

    def choose(self, site: Site) -> None:
        """Whether the database's primary is on it."""
        assert site.host is not None
        database = site.outputs.database
        if database and node_of(site, database.namespace, database.primary) in site.host.machines():
            self.away = frozenset({DatabaseWrite.name})

    def plan(self, site: Site) -> list[str]:
        """Fault and repair."""
        assert site.host is not None
        return [
            f"The compute host with {', '.join(sorted(site.host.machines()))} loses its power.",
            "The machines on other hosts go on.",
            "Then the host and its machines are switched on again.",
        ]

    def fault(self, site: Site) -> None:
        """Off."""
        assert site.host is not None
        site.away.update(site.host.machines())
        site.host.off()

    def noticed(self, site: Site, probes: Mapping[str, Probe], since: float) -> float | None:
        """The cluster no longer calls one of its nodes Ready, or another etcd member is missed."""
        lost = [machine for machine in site.outputs.inventory if machine.name in site.away]
        nodes = [machine for machine in lost if machine.role in ("control-plane", "worker")]
        if nodes:
            return now_if(not all(site.node_ready(machine.name) for machine in nodes))
        endpoints = " ".join(entry["Endpoint"] for entry in site.etcd("status"))
        return now_if(not all(f"//{machine.address}:" in endpoints for machine in lost))

    def repair(self, site: Site) -> None:
        """On."""
        assert site.host is not None
        site.host.on()

    def inspect(self, site: Site) -> list[str]:
        """The services of the cloud."""
        return ["openstack compute service list", "openstack hypervisor list"]
