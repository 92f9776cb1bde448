"""All gateways are lost at once: nobody comes in or out, and what is inside goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from ops.drill.drill import Drill
from ops.drill.inside_writes import InsideWriter
from ops.drill.probes.api import ApiRead
from ops.drill.probes.probe import Probe
from ops.drill.target import Target
from ops.drill.waiting import until
from ops.shared.cluster import REQUEST_SECONDS, ClusterError, message

#: How long the API may take to answer outside once a gateway runs: it boots, and keepalived waits for others.
BACK_SECONDS = 180


class GatewaysLoss(Drill):
    """Kubelets and kube-proxy reach an API server without gateways, so no node counts as lost and no pod is evicted."""

    name = "gateways"
    about = "all gateways are lost at once, and come back one by one"
    order = 45
    detection_seconds = 60
    serves_without = False
    #: Longer than a node may be silent, and its pods may stay then (machines/kubernetes/kubeadm.py), together.
    held_seconds = 120
    recovery_seconds = 420

    def __init__(self) -> None:
        self.probes: Mapping[str, Probe] = {}
        self.writer: InsideWriter | None = None
        self.before: dict[str, str] = {}
        self.back_after = 0.0
        self.gap_inside = 0.0

    def refusals(self, target: Target) -> Iterator[str]:
        """Nothing to lose, or no way back."""
        if not target.outputs.role("gateway"):
            yield "there is no gateway"
        if target.delete:
            yield "deleted gateways are made again by `pulumi up`, which comes in by one of them"

    def plan(self, target: Target) -> list[str]:
        """Fault and repair."""
        names = ", ".join(machine.name for machine in target.outputs.role("gateway"))
        return [
            f"{names} lose their power together, for {self.held_seconds:.0f} s.",
            "Nothing comes in or out meanwhile; the API is away for everybody outside, and for people.",
            "Nodes stay Ready, pods stay where they are, and writes to the database go on inside the cluster.",
            "Then the gateways are switched on again, the first one alone until the API answers through it.",
        ]

    def fault(self, target: Target) -> None:
        """Off together, once a pod writes inside."""
        if target.outputs.database:
            self.writer = InsideWriter(target.cluster, target.outputs.database)
            self.writer.make()
        self.before = self._pods(target)
        gateways = target.outputs.role("gateway")
        target.away.update(machine.name for machine in gateways)
        with ThreadPoolExecutor(len(gateways)) as pool:
            list(pool.map(target.power.off, gateways))

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """A question from outside got no answer. (The API's own may, by a load balancer of the cloud.)"""
        self.probes = probes
        failed = [moment for probe in probes.values() if (moment := probe.answers.first_bad(since)) is not None]
        return min(failed, default=None)

    def repair(self, target: Target) -> None:
        """The first one alone, until the API answers through it; then the others."""
        first, *others = target.outputs.role("gateway")
        try:
            target.power.on(first)
            began = time.monotonic()
            target.away.discard(first.name)
            if self.probes:
                good = self.probes[ApiRead.name].answers.good
                until(lambda: bool(good) and good[-1] > began, "the API answers outside", BACK_SECONDS, 0.1)
                self.back_after = good[-1] - began
        finally:
            for machine in others:
                target.power.on(machine)
                target.away.discard(machine.name)

    def failures(self, target: Target) -> list[str]:
        """Pods that were evicted, and rows that are gone."""
        found = []
        there = self._pods(target)
        evicted = sorted(name for uid, name in self.before.items() if uid not in there)
        if evicted:
            found.append(f"{len(evicted)} of {len(self.before)} pods were evicted: {', '.join(evicted)}")
        if self.writer:
            lost = self.writer.lost()
            if lost:
                found.append(f"{len(lost)} writes that were acknowledged inside the cluster are lost")
            self.gap_inside = self.writer.longest_gap()
            self.writer.remove()
        return found

    def figures(self, target: Target) -> dict[str, float]:
        """When people came in again, and how long a pod of the cluster had to wait for the database."""
        found = {"API outside after a gateway runs": self.back_after, "database write inside": self.gap_inside}
        return {what: value for what, value in found.items() if value}

    @staticmethod
    def _pods(target: Target) -> dict[str, str]:
        """Pods that nobody has asked to leave, by their ids, less those that end by themselves. Raises ClusterError."""
        try:
            pods = target.core.list_pod_for_all_namespaces(_request_timeout=REQUEST_SECONDS).items
        except (ApiException, HTTPError, OSError) as error:
            raise ClusterError(f"pods: {message(error)}") from error
        return {
            pod.metadata.uid: f"{pod.metadata.namespace}/{pod.metadata.name}"
            for pod in pods
            if pod.metadata.deletion_timestamp is None
            and not any(owner.kind == "Job" for owner in pod.metadata.owner_references or [])
        }

    def inspect(self, target: Target) -> list[str]:
        """The gateways from outside, and the nodes."""
        names = [machine.name for machine in target.outputs.role("gateway")]
        return [
            *(f"openstack server show {name}" for name in names),
            "kubectl get nodes",
            "kubectl get pods -A -o wide",
        ]
