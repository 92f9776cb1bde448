"""All gateways are lost at once: nobody comes in or out, and what is inside goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ops.drill.base import Drill
from ops.drill.inside_writes import InsideWriter
from ops.drill.probes.http import ApiRead
from ops.drill.target import Target, api_errors
from ops.drill.waiting import until
from ops.shared.cluster import REQUEST_SECONDS
from ops.shared.outputs import Machine

#: How long the API may take to answer outside once a gateway runs: it boots, and keepalived waits for others.
BACK_SECONDS = 180


class GatewaysLoss(Drill):
    """Kubelets and kube-proxy reach an API server without gateways, so no node counts as lost and no pod is evicted."""

    name = "gateways"
    about = "all gateways are lost at once, and come back one by one"
    order = 45
    detection_seconds = 60
    #: Longer than a node may be silent, and its pods may stay then (machines/kubernetes/kubeadm.py), together.
    held_seconds = 120
    recovery_seconds = 420
    commands = ("openstack server show {machine}", "kubectl get nodes", "kubectl get pods -A -o wide")

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.writer: InsideWriter | None = None
        self.before: dict[str, str] = {}
        self.all_off = False

    def refusals(self) -> Iterator[str]:
        """Nothing to lose, or no way back."""
        if not self.target.outputs.role("gateway"):
            yield "there is no gateway"
        if self.target.delete:
            yield "only `pulumi up` replaces deleted gateways, and it comes in through one of them"

    def victims(self) -> list[Machine]:
        return self.target.outputs.role("gateway")

    def plan(self) -> list[str]:
        return [
            f"{self.names()} lose their power together, for {self.held_seconds} s.",
            "Nothing comes in or out meanwhile; nobody outside reaches the API.",
            "Nodes stay Ready, pods stay where they are, and writes to the database go on inside the cluster.",
            "Then the gateways are switched on again, the first one alone until the API answers through it.",
        ]

    def fault(self) -> None:
        """Off together, once a pod writes inside."""
        if self.target.outputs.database:
            self.writer = InsideWriter(self.target, self.target.outputs.database)
            self.writer.make()
        self.before = self._pods()
        self.target.away.update(machine.name for machine in self.victims())
        self.on_victims(self.target.power.off)
        self.all_off = True

    def noticed_at(self) -> float | None:
        """A question from outside got no answer. (The API's own may, by a load balancer of the cloud.)"""
        failed = [probe.answers.first_bad(self.began) for probe in self.probes.values()]
        return min((moment for moment in failed if moment is not None), default=None)

    def repair(self) -> None:
        """The first one alone, until the API answers through it; then the others."""
        first, *others = self.victims()
        try:
            self.target.power.on(first)
            began = time.monotonic()
            self.target.away.discard(first.name)
            if self.all_off:
                good = self.probes[ApiRead.name].answers.good
                until(lambda: bool(good) and good[-1] > began, "the API answers outside", BACK_SECONDS, 0.1)
                self.figures["API outside after a gateway runs"] = good[-1] - began
        finally:
            for machine in others:
                self.target.power.on(machine)
                self.target.away.discard(machine.name)

    def failures(self) -> list[str]:
        """Pods that were evicted, and rows that are lost. Notes how long a pod had to wait for the database."""
        found = []
        present = self._pods()
        evicted = sorted(name for uid, name in self.before.items() if uid not in present)
        if evicted:
            found.append(f"{len(evicted)} of {len(self.before)} pods were evicted: {', '.join(evicted)}")
        if self.writer:
            lost = self.writer.lost()
            if lost:
                found.append(f"{len(lost)} writes that were acknowledged inside the cluster are lost")
            if gap := self.writer.longest_gap():
                self.figures["database write inside"] = gap
            self.writer.remove()
        return found

    def _pods(self) -> dict[str, str]:
        """Pods that nobody has asked to leave, by their ids, less those that end by themselves. Raises ClusterError."""
        with api_errors("pods"):
            pods = self.target.core.list_pod_for_all_namespaces(_request_timeout=REQUEST_SECONDS).items
        return {
            pod.metadata.uid: f"{pod.metadata.namespace}/{pod.metadata.name}"
            for pod in pods
            if pod.metadata.deletion_timestamp is None
            and not any(owner.kind == "Job" for owner in pod.metadata.owner_references or [])
        }
