"""The gateway that holds the virtual addresses is lost."""

from __future__ import annotations

from collections.abc import Mapping

from ops.drill.drill import now_if
from ops.drill.machine_loss import MachineLoss
from ops.drill.probes.probe import Probe
from ops.drill.target import Site
from ops.shared.outputs import Machine


class GatewayLoss(MachineLoss):
    """The way in moves to another gateway; the API and the ingress are away until it has."""

    name = "gateway"
    about = "the gateway that holds the virtual addresses is lost"
    order = 10
    role = "gateway"
    why = "nothing would be left to come in by"

    def hardest(self, site: Site) -> Machine:
        """The holder."""
        return site.vip_holder()

    def consequences(self, site: Site) -> list[str]:
        """The VIP moves."""
        return ["Another gateway takes the virtual addresses; connections through them break and are made anew."]

    def noticed(self, site: Site, probes: Mapping[str, Probe], since: float) -> float | None:
        """Another gateway holds the addresses."""
        return now_if(site.vip_holder().name != self.victim.name)
