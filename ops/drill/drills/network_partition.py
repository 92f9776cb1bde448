"""A machine is cut off from the network, goes on running, and returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ops.drill.drill import Drill
from ops.drill.probes.probe import Probe
from ops.drill.target import Target
from ops.drill.waiting import DrillError, now_if, until
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

    def refusals(self, target: Target) -> Iterator[str]:
        """No leader's machine to choose, or a machine without a second one beside it."""
        if target.machine:
            role = target.outputs.machine(target.machine).role
            needed = 3 if role == "etcd" else 2
            if len(target.outputs.role(role)) < needed:
                yield f"{target.machine}: fewer than {needed} machines with the role {role}"
            if role == "worker":
                yield f"{target.machine}: a worker cut off looks like a lost one: the drill for that is worker"
        elif len(target.outputs.role("etcd")) < 3:
            yield "fewer than 3 machines with the role etcd; --machine NAME chooses another one to be cut off"

    def choose(self, target: Target) -> None:
        """The machine that was asked for, or the etcd leader's."""
        self.machine = target.outputs.machine(target.machine) if target.machine else target.etcd_leader()

    @property
    def victim(self) -> Machine:
        """The machine that is cut off; known after `choose`."""
        if self.machine is None:
            raise DrillError("no machine has been chosen")
        return self.machine

    def plan(self, target: Target) -> list[str]:
        """Fault and repair."""
        return [
            f"{self.victim.name} drops every packet in and out for {self.cut_seconds} s and goes on running.",
            "The others go on without it; what it alone believes meanwhile is acknowledged to nobody.",
            "Then its own timer lets packets through again.",
        ]

    def fault(self, target: Target) -> None:
        """Cut off one second after the answer to this."""
        target.script(self.victim, "cut-off.sh", str(self.cut_seconds))
        target.away.add(self.victim.name)

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """The others have gone on without it, each role in its own way."""
        if self.victim.role == "etcd":
            return now_if(target.etcd_leader().name != self.victim.name)
        if self.victim.role == "gateway":
            return now_if(target.vip_holder().name != self.victim.name)
        return now_if(not target.node_ready(self.victim.name))

    def repair(self, target: Target) -> None:
        """Its timer does it; a machine that stays away is restarted."""

        def answers() -> bool:
            try:
                return target.script(self.victim, "cut-off.sh", "0", seconds=10) == ""
            except SshError:
                return False

        try:
            until(answers, f"{self.victim.name} has come back", self.cut_seconds + 60, 1)
        except DrillError:
            target.power.off(self.victim)
            target.power.on(self.victim)

    def inspect(self, target: Target) -> list[str]:
        """The table that drops packets, and how to restart the machine."""
        name = self.victim.name
        return [f"paas ssh {name} sudo nft list tables", f"openstack server reboot --hard {name}"]
