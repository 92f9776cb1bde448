"""A control plane is lost, the one whose controllers and scheduler lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ops.drill.machine_loss import MachineLoss
from ops.drill.probes.probe import Probe
from ops.drill.target import Target
from ops.drill.waiting import now_if
from ops.shared.outputs import Machine

CONTROLLERS = "kube-controller-manager"


class ControlPlaneLoss(MachineLoss):
    """The gateways take its API server out; another one's controllers take over when its leases run out."""

    name = "control-plane"
    about = "the control plane whose controllers lead is lost"
    order = 20
    role = "control-plane"
    why = "no API server would be left"
    #: The controllers' lease (15 s), then the node's own silence (node-monitor-grace-period).
    detection_seconds = 150

    def refusals(self, target: Target) -> Iterator[str]:
        """Also with etcd on the control planes and fewer than three of them."""
        yield from super().refusals(target)
        count = len(target.outputs.role("control-plane"))
        if not target.outputs.role("etcd") and count == 2:
            yield "etcd runs on the two control planes: without one of them it has no majority"

    def hardest(self, target: Target) -> Machine:
        """The holder of the controllers' lease."""
        return target.outputs.machine(target.lease_holder(CONTROLLERS).rpartition("_")[0])

    def consequences(self, target: Target) -> list[str]:
        """The API stays."""
        return ["The gateways send the API's clients to the other control planes; other controllers take over."]

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """The cluster no longer calls the node Ready."""
        return now_if(not target.node_ready(self.victim.name))
