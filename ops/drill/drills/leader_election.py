"""Scheduler and controller manager are stopped where they lead."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from ops.drill.drill import Drill
from ops.drill.probes.probe import Probe
from ops.drill.target import Target
from ops.drill.waiting import now_if

LEASES = ("kube-scheduler", "kube-controller-manager")


class LeaderElection(Drill):
    """The others notice when the lease has run out (15 s, asked for every 2 s), and one of them leads."""

    name = "leader-election"
    about = "scheduler and controller manager are stopped where they lead"
    order = 13
    detection_seconds = 60

    def __init__(self) -> None:
        self.holders: dict[str, str] = {}
        """The identity that held each lease."""
        self.taken: dict[str, float] = {}
        """When another one held it, in seconds after the fault."""

    def refusals(self, target: Target) -> Iterator[str]:
        """Too few to take over."""
        if len(target.outputs.role("control-plane")) < 2:
            yield "one control plane: no other scheduler and controller manager could take over"

    def choose(self, target: Target) -> None:
        """Who leads now."""
        self.holders = {lease: target.lease_holder(lease) for lease in LEASES}

    def _machine(self, lease: str) -> str:
        return self.holders[lease].rpartition("_")[0]

    def plan(self, target: Target) -> list[str]:
        """Fault and repair."""
        return [
            *(f"{lease} is stopped on {self._machine(lease)}." for lease in LEASES),
            "Others take over when the lease has run out (15 s, asked for every 2 s).",
            "Then both are started again.",
        ]

    def fault(self, target: Target) -> None:
        """Both at once from the cluster's view: neither lease runs out before both are stopped."""
        for lease in LEASES:
            target.script(target.outputs.machine(self._machine(lease)), "static-pod.sh", "stop", lease)

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """Others hold both leases."""
        for lease in LEASES:
            holder = target.lease_holder(lease)
            if lease not in self.taken and holder and holder != self.holders[lease]:
                self.taken[lease] = time.monotonic() - since
        return now_if(len(self.taken) == len(LEASES))

    def repair(self, target: Target) -> None:
        """Both start again where they were stopped."""
        for lease in LEASES:
            target.script(target.outputs.machine(self._machine(lease)), "static-pod.sh", "start", lease)

    def wrong(self, target: Target) -> list[str]:
        """Pods of both that are not ready on their machines."""
        pods = target.core.list_namespaced_pod("kube-system", label_selector="tier=control-plane", _request_timeout=10)
        ready = {
            pod.metadata.name
            for pod in pods.items
            if any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or [])
        }
        names = [f"{lease}-{self._machine(lease)}" for lease in LEASES]
        return [f"{name}: not ready" for name in names if name not in ready]

    def figures(self, target: Target) -> dict[str, float]:
        """Each lease's own time."""
        return {f"new holder of {lease} after": seconds for lease, seconds in self.taken.items()}

    def inspect(self, target: Target) -> list[str]:
        """Where the manifests are kept meanwhile."""
        machines = sorted({self._machine(lease) for lease in LEASES})
        return [f"paas ssh {name} sudo ls -l /etc/kubernetes/manifests" for name in machines]
