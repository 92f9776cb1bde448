"""A whole compute host is lost with every machine on it: only where one can be switched off from here."""

from collections.abc import Iterator

from ops.drill.base import Drill
from ops.drill.power import Host
from ops.drill.probes.database import DatabaseWrite


class HostLoss(Drill):
    """Machines of one role are on different hosts, so that one host takes at most one of each."""

    name = "host"
    about = "a compute host is lost with every machine on it (in a lab only)"
    order = 50
    serving_seconds = 180
    recovery_seconds = 600
    commands = ("openstack compute service list", "openstack hypervisor list")

    @property
    def host(self) -> Host:
        """What is switched off; without one the drill is refused."""
        assert self.target.host is not None
        return self.target.host

    def refusals(self) -> Iterator[str]:
        """No host to switch off, or one that takes too much of a role."""
        if self.target.host is None:
            yield "a compute host cannot be switched off through OpenStack: only a lab's tests can do that"
            return
        outputs, lost = self.target.outputs, set(self.host.machines())
        for role, needed in (("gateway", 1), ("etcd", len(outputs.role("etcd")) // 2 + 1), ("control-plane", 1)):
            machines = outputs.role(role)
            left = [machine for machine in machines if machine.name not in lost]
            if machines and len(left) < needed:
                yield f"the host takes {len(machines) - len(left)} of {len(machines)} machines with the role {role}"

    def choose(self) -> None:
        """Whether the database's primary is on it."""
        if self.target.primary_node() in self.host.machines():
            self.silent_probes = frozenset({DatabaseWrite.name})

    def plan(self) -> list[str]:
        return [
            f"The compute host with {', '.join(sorted(self.host.machines()))} loses its power.",
            "The machines on other hosts go on.",
            "Then the host and its machines are switched on again.",
        ]

    def fault(self) -> None:
        self.target.away.update(self.host.machines())
        self.host.off()

    def noticed(self) -> bool:
        """The cluster no longer calls one of the host's nodes Ready; without nodes, a lost etcd member is missed."""
        lost = [machine for machine in self.target.outputs.inventory if machine.name in self.target.away]
        nodes = [machine for machine in lost if machine.role in ("control-plane", "worker")]
        if nodes:
            return not all(self.target.node_ready(machine.name) for machine in nodes)
        members = self.target.etcd_status()
        return not all(machine.address in members for machine in lost)

    def repair(self) -> None:
        self.host.on()
