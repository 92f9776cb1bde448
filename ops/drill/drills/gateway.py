"""The gateway that holds the virtual addresses is lost."""

from __future__ import annotations

from collections.abc import Mapping

from ops.drill.machine_loss import MachineLoss
from ops.drill.probes.probe import Probe
from ops.drill.target import Target
from ops.drill.waiting import now_if
from ops.shared.outputs import Machine


class GatewayLoss(MachineLoss):
    """The way in moves to another gateway; the API and the ingress are away until it has."""

    name = "gateway"
    about = "the gateway that holds the virtual addresses is lost"
    order = 10
    role = "gateway"
    why = "nothing would be left to come in by"

    def hardest(self, target: Target) -> Machine:
        """The holder."""
        return target.vip_holder()

    def consequences(self, target: Target) -> list[str]:
        """The VIP moves."""
        return ["Another gateway takes the virtual addresses; connections through them break and are reopened."]

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """Another gateway holds the addresses."""
        return now_if(target.vip_holder().name != self.victim.name)
