"""One machine is lost: a gateway, an etcd member, a control plane or a worker."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ops.drill.base import MachineLoss
from ops.drill.probes.database import DatabaseWrite
from ops.drill.workload import REPLICAS, Workload
from ops.shared.outputs import Machine


class GatewayLoss(MachineLoss):
    """The way in moves to another gateway; the API and the ingress do not answer until it has."""

    name = "gateway"
    about = "the gateway that holds the virtual addresses is lost"
    order = 10
    role = "gateway"
    why = "nobody could reach the platform any more"
    effect = "Another gateway takes the virtual addresses; connections through them break and are reopened."


class EtcdMemberLoss(MachineLoss):
    """A majority is left, so that no write is refused for longer than an election."""

    role = "etcd"
    at_least = 3
    why = "without one of them etcd would have no majority"

    def refusals(self) -> Iterator[str]:
        """Also when etcd has no machines of its own."""
        if not self.target.outputs.role("etcd"):
            yield "etcd has no machines of its own: use the drill control-plane"
        else:
            yield from super().refusals()


class EtcdFollowerLoss(EtcdMemberLoss):
    """Nobody feels anything."""

    name = "etcd-follower"
    about = "an etcd member that does not lead is lost"
    order = 11
    effect = "The others go on with their majority; API servers that talked to it turn to them."

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
    effect = "The others elect a new leader; writes wait for that."


class ControlPlaneLoss(MachineLoss):
    """The gateways take its API server out; other controllers take over when the leases of its own end."""

    name = "control-plane"
    about = "the control plane whose controllers lead is lost"
    order = 20
    role = "control-plane"
    why = "no API server would be left"
    effect = "The gateways send the API's clients to the other control planes; other controllers take over."
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
    detection_seconds = 120
    #: The pods' tolerations of a node that is away, and a start.
    serving_seconds = 420

    def choose(self) -> None:
        super().choose()
        if self.target.primary_node() == self.victim.name:
            self.silent_probes = frozenset({DatabaseWrite.name})

    def hardest(self) -> Machine:
        """The primary's; with --delete another one, because rows that no replica has yet would go with its disk."""
        workers, primary = self.target.outputs.role("worker"), self.target.primary_node()
        chosen = [worker for worker in workers if (worker.name == primary) is not self.target.delete]
        return (chosen or workers)[0]

    def effects(self) -> list[str]:
        lines = ["The cluster gives it up after a while and creates its pods again on other nodes."]
        if self.silent_probes:
            lines.append("The database's primary runs there, on its disk: writes wait until the machine is back.")
        if self.silent_probes and self.target.delete:
            lines.append("ITS DISK GOES TOO: rows that no replica has received yet are lost.")
        return lines

    def serving(self) -> bool:
        """All of the drill's own pods are ready, none of them on the lost machine."""
        nodes = [node for node in Workload(self.target).ready() if node != self.victim.name]
        if len(nodes) < REPLICAS:
            return False
        self.figures["pods ready elsewhere after"] = time.monotonic() - self.began
        return True
