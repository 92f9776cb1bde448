"""A machine is cut off from the network, goes on running, and returns."""

from __future__ import annotations

from collections.abc import Iterator

from ops.drill.base import MachineDrill
from ops.drill.waiting import DrillError, until
from ops.shared.ssh import SshError


class NetworkPartition(MachineDrill):
    """The machine drops every packet for a while; a timer of its own ends that, whatever becomes of the drill.

    By default the etcd leader's machine: the side without a majority must acknowledge nothing.
    """

    name = "network-partition"
    about = "a machine (the etcd leader's) is cut off for a while and returns"
    order = 15
    role = "etcd"
    cut_seconds = 45
    detection_seconds = 40
    recovery_seconds = 300
    commands = ("paas ssh {machine} sudo nft list tables", "openstack server reboot --hard {machine}")

    def refusals(self) -> Iterator[str]:
        """No leader's machine to choose, or a machine without a second one beside it."""
        outputs, wanted = self.target.outputs, self.target.machine
        if wanted:
            role = outputs.machine(wanted).role
            needed = 3 if role == "etcd" else 2
            if len(outputs.role(role)) < needed:
                yield f"{wanted}: fewer than {needed} machines with the role {role}"
            if role == "worker":
                yield f"{wanted}: a worker that is cut off looks like a lost one: use the drill worker"
        elif len(outputs.role("etcd")) < 3:
            yield "fewer than 3 machines with the role etcd; choose another machine with --machine NAME"

    def plan(self) -> list[str]:
        return [
            f"{self.victim.name} drops every packet in and out for {self.cut_seconds} s and goes on running.",
            "The others go on without it; it acknowledges nothing to anybody meanwhile.",
            "Then its own timer lets packets through again.",
        ]

    def fault(self) -> None:
        """Cut off one second after the answer to this."""
        self.target.script(self.victim, "cut-off.sh", str(self.cut_seconds))
        self.target.away.add(self.victim.name)

    def repair(self) -> None:
        """Its timer does it; a machine that stays away is restarted."""
        try:
            until(self._answers, f"{self.victim.name} has come back", self.cut_seconds + 60, 1)
        except DrillError:
            self.target.power.off(self.victim)
            self.target.power.on(self.victim)

    def _answers(self) -> bool:
        try:
            return self.target.script(self.victim, "cut-off.sh", "0", seconds=10) == ""
        except SshError:
            return False
