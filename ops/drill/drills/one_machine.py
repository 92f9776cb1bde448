"""One machine fails: it is switched off, deleted, or cut off from the network."""

import time
from collections.abc import Iterator

from ops.drill.base import MachineDrill
from ops.drill.probes.database import DatabaseWrite
from ops.drill.waiting import DrillError, until
from ops.drill.workload import REPLICAS, Workload
from ops.shared.outputs import Machine
from ops.shared.ssh import SshError


class MachineLoss(MachineDrill):
    """A machine is switched off or deleted, and brought back. Subclasses name the role."""

    effects: tuple[str, ...] = ()
    """What is expected to happen during the loss, a sentence each."""

    at_least = 2
    deletes = True
    recovery_seconds = 420
    commands = ("openstack server show {machine}", "openstack console log show {machine}", "paas ssh {machine}")

    def refusals(self) -> Iterator[str]:
        """Too few machines of the role, or a chosen machine of another role."""
        yield from super().refusals()
        wanted, names = self.target.machine, [machine.name for machine in self.target.outputs.role(self.role)]
        if wanted and len(names) >= self.at_least and wanted not in names:
            yield f"{wanted} does not have the role {self.role}: {', '.join(names)} do"

    def plan(self) -> list[str]:
        how, back = self.target.power.how, "it is switched on again the same way"
        if self.target.delete:
            how, back = "deleted through OpenStack, with its disk", "`pulumi up --refresh` replaces it"
        return [f"{self.victim.name} is {how}.", *self.effects, f"Then {back}."]

    def fault(self) -> None:
        self.target.away.add(self.victim.name)
        if self.target.delete:
            self.target.power.delete(self.victim)
        else:
            self.target.power.off(self.victim)

    def repair(self) -> None:
        if self.target.delete:
            self.target.up()
        else:
            self.target.power.on(self.victim)


class GatewayLoss(MachineLoss):
    """The way in moves to another gateway; the API and the ingress do not answer until it has."""

    name = "gateway"
    about = "the gateway that holds the virtual addresses is lost"
    order = 10
    role = "gateway"
    why = "nobody could reach the platform any more"
    effects = ("Another gateway takes the virtual addresses; connections through them break and are reopened.",)


class EtcdMemberLoss(MachineLoss):
    """A majority is left, so that no write is refused for longer than an election."""

    role = "etcd"
    at_least = 3
    why = "without one of them etcd would have no majority; with etcd on control planes use the drill control-plane"


class EtcdFollowerLoss(EtcdMemberLoss):
    """The loss is not felt."""

    name = "etcd-follower"
    about = "an etcd member that does not lead is lost"
    order = 11
    effects = ("The others go on with their majority; API servers that talked to it turn to them.",)

    def hardest(self) -> Machine:
        """The first that does not lead."""
        leader = self.target.etcd_leader()
        return next(machine for machine in self.target.outputs.role("etcd") if machine.name != leader.name)

    def noticed(self) -> bool:
        """It no longer reports its status to the others."""
        return self.victim.address not in self.target.etcd_status()


class EtcdLeaderLoss(EtcdMemberLoss):
    """An election."""

    name = "etcd-leader"
    about = "the etcd member that leads is lost"
    order = 12
    effects = ("The others elect a new leader; writes wait for that.",)


class ControlPlaneLoss(MachineLoss):
    """The gateways take its API server out; other controllers take over when the leases of its own end."""

    name = "control-plane"
    about = "the control plane whose controllers lead is lost"
    order = 20
    role = "control-plane"
    why = "no API server would be left"
    effects = ("The gateways send the API's clients to the other control planes; other controllers take over.",)
    #: The controllers' lease (15 s), then the node's own silence (node-monitor-grace-period).
    detection_seconds = 150

    def refusals(self) -> Iterator[str]:
        """Also with etcd on the control planes and fewer than three of them."""
        yield from super().refusals()
        if not self.target.outputs.role("etcd") and len(self.target.outputs.role("control-plane")) == 2:
            yield "etcd runs on the two control planes: without one of them it has no majority"


class WorkerLoss(MachineLoss):
    """Its pods are created again elsewhere, except those with a volume on its disk: they come back with it."""

    name = "worker"
    about = "the worker with the database's primary is lost; pods move"
    order = 30
    role = "worker"
    why = "no machine would be left for its pods"
    effects: tuple[str, ...] = ("The cluster gives it up after a while and creates its pods again on other nodes.",)
    #: The pods' tolerations of a node that is away, and a start.
    serving_seconds = 420

    def choose(self) -> None:
        super().choose()
        if self.target.primary_node() == self.victim.name:
            self.silent_probes = frozenset({DatabaseWrite.name})
            self.effects += ("The database's primary runs there, on its disk: writes wait until the machine is back.",)
            if self.target.delete:
                self.effects += ("ITS DISK GOES TOO: rows that no replica has received yet are lost.",)

    def hardest(self) -> Machine:
        """The primary's; with --delete another one, because rows that no replica has yet would go with its disk."""
        workers, primary = self.target.outputs.role("worker"), self.target.primary_node()
        chosen = [worker for worker in workers if (worker.name == primary) is not self.target.delete]
        return (chosen or workers)[0]

    def serving(self) -> bool:
        """All of the drill's own pods are ready, none of them on the lost machine."""
        nodes = [node for node in Workload(self.target).ready() if node != self.victim.name]
        if len(nodes) < REPLICAS:
            return False
        self.figures["pods ready elsewhere after"] = time.monotonic() - self.began
        return True


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
