"""A machine is cut off from the network, goes on running, and returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ops.drill.drill import Drill, DrillError, now_if, until
from ops.drill.probes.probe import Probe
from ops.drill.target import Site
from ops.shared.outputs import Machine
from ops.shared.ssh import SshError


class NetworkPartition(Drill):
    """The machine drops every packet for a while; a timer of its own ends that, whatever becomes of the drill.

    By default the etcd leader's machine: the side without a majority must acknowledge nothing.
    """

    name = "network-partition"
    about = "a machine (the etcd leader's) is cut off for a while and returns"
    order = 15
    cut_seconds = 45
    detection_seconds = 40
    recovery_seconds = 300

    def __init__(self) -> None:
        self.machine: Machine | None = None

    def refusals(self, site: Site) -> Iterator[str]:
        """No leader's machine to choose, or a machine without a second one beside it."""
        if site.machine:
            role = site.outputs.machine(site.machine).role
            needed = 3 if role == "etcd" else 2
            if len(site.outputs.role(role)) < needed:
                yield f"{site.machine}: fewer than {needed} machines with the role {role}"
            if role == "worker":
                yield f"{site.machine}: a worker cut off looks like a lost one: the drill for that is worker"
        elif len(site.outputs.role("etcd")) < 3:
            yield "fewer than 3 machines with the role etcd; --machine NAME chooses another one to be cut off"

    def choose(self, site: Site) -> None:
        """The machine that was asked for, or the etcd leader's."""
        self.machine = site.outputs.machine(site.machine) if site.machine else site.etcd_leader()

    @property
    def victim(self) -> Machine:
        """The machine that is cut off; known after `choose`."""
        if self.machine is None:
            raise DrillError("no machine has been chosen")
        return self.machine

    def plan(self, site: Site) -> list[str]:
        """Fault and repair."""
        return [
            f"{self.victim.name} drops every packet in and out for {self.cut_seconds} s and goes on running.",
            "The others go on without it; what it alone believes meanwhile is acknowledged to nobody.",
            "Then its own timer lets packets through again.",
        ]

    def fault(self, site: Site) -> None:
        """Cut off one second after the answer to this."""
        site.script(self.victim, "cut-off.sh", str(self.cut_seconds))
        site.away.add(self.victim.name)

    def noticed(self, site: Site, probes: Mapping[str, Probe], since: float) -> float | None:
        """The others have gone on without it, each role in its own way."""
        if self.victim.role == "etcd":
            return now_if(site.etcd_leader().name != self.victim.name)
        if self.victim.role == "gateway":
            return now_if(site.vip_holder().name != self.victim.name)
        return now_if(not site.node_ready(self.victim.name))

    def repair(self, site: Site) -> None:
        """Its timer does it; a machine that stays away is started anew."""

        def answers() -> bool:
            try:
                return site.script(self.victim, "cut-off.sh", "0", seconds=10) == ""
            except SshError:
                return False

        try:
            until(answers, f"{self.victim.name} has come back", self.cut_seconds + 60, 1)
        except DrillError:
            site.power.off(self.victim)
            site.power.on(self.victim)

    def inspect(self, site: Site) -> list[str]:
        """The table that drops packets, and how to start the machine anew."""
        name = self.victim.name
        return [f"python -m ops ssh {name} sudo nft list tables", f"openstack server reboot --hard {name}"]
