"""One etcd member is lost: a follower, or the leader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ops.drill.machine_loss import MachineLoss
from ops.drill.probes.probe import Probe
from ops.drill.target import Target
from ops.drill.waiting import DrillError, now_if
from ops.shared.outputs import Machine


class EtcdMemberLoss(MachineLoss):
    """A majority is left, so that no write is refused for longer than an election."""

    role = "etcd"
    at_least = 3
    why = "without one of them etcd would have no majority"

    def refusals(self, target: Target) -> Iterator[str]:
        """Also when etcd has no machines of its own."""
        if not target.outputs.role("etcd"):
            yield "etcd has no machines of its own: the drill control-plane is the one for it"
        else:
            yield from super().refusals(target)


class EtcdFollowerLoss(EtcdMemberLoss):
    """A member that does not lead."""

    name = "etcd-follower"
    about = "an etcd member that does not lead is lost"
    order = 11

    def hardest(self, target: Target) -> Machine:
        """Any but the leader."""
        leader = target.etcd_leader()
        return next(machine for machine in target.outputs.role("etcd") if machine.name != leader.name)

    def consequences(self, target: Target) -> list[str]:
        """Nothing is felt."""
        return ["The others go on with their majority; API servers that talked to it turn to them."]

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """The others tell no status of it."""
        endpoints = [entry["Endpoint"] for entry in target.etcd("status")]
        return now_if(not any(f"//{self.victim.address}:" in endpoint for endpoint in endpoints))


class EtcdLeaderLoss(EtcdMemberLoss):
    """The member that leads."""

    name = "etcd-leader"
    about = "the etcd member that leads is lost"
    order = 12

    def hardest(self, target: Target) -> Machine:
        """The leader."""
        return target.etcd_leader()

    def consequences(self, target: Target) -> list[str]:
        """An election."""
        return ["The others elect a new leader; writes wait for that."]

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """Another member leads."""
        try:
            return now_if(target.etcd_leader().name != self.victim.name)
        except DrillError:
            return None
