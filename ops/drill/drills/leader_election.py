"""Scheduler and controller manager are stopped where they lead."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ops.drill.base import Drill
from ops.drill.target import Target, is_ready
from ops.shared.outputs import Machine

LEASES = ("kube-scheduler", "kube-controller-manager")


class LeaderElection(Drill):
    """The others notice when the lease has run out (15 s, requested every 2 s), and one of them leads."""

    name = "leader-election"
    about = "scheduler and controller manager are stopped where they lead"
    order = 13
    detection_seconds = 60
    #: Where the manifests are kept meanwhile.
    commands = ("paas ssh {machine} sudo ls -l /etc/kubernetes/manifests",)

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.holders: dict[str, str] = {}
        """The identity that held each lease."""

    def refusals(self) -> Iterator[str]:
        """Too few to take over."""
        if len(self.target.outputs.role("control-plane")) < 2:
            yield "one control plane: no other scheduler and controller manager could take over"

    def choose(self) -> None:
        """Who leads now."""
        self.holders = {lease: self.target.lease_holder(lease) for lease in LEASES}

    def _machine(self, lease: str) -> Machine:
        return self.target.machine_of(self.holders[lease])

    def victims(self) -> list[Machine]:
        return sorted({self._machine(lease) for lease in LEASES}, key=lambda machine: machine.name)

    def plan(self) -> list[str]:
        return [
            *(f"{lease} is stopped on {self._machine(lease).name}." for lease in LEASES),
            "Others take over when the lease has run out (15 s, requested every 2 s).",
            "Then both are started again.",
        ]

    def fault(self) -> None:
        """Both at once from the cluster's view: neither lease runs out before both are stopped."""
        for lease in LEASES:
            self.target.script(self._machine(lease), "static-pod.sh", "stop", lease)

    def noticed(self) -> bool:
        """Others hold both leases. Notes when each was first held by another."""
        for lease in LEASES:
            holder, figure = self.target.lease_holder(lease), f"new holder of {lease} after"
            if figure not in self.figures and holder and holder != self.holders[lease]:
                self.figures[figure] = time.monotonic() - self.began
        return len(self.figures) == len(LEASES)

    def repair(self) -> None:
        for lease in LEASES:
            self.target.script(self._machine(lease), "static-pod.sh", "start", lease)

    def wrong(self) -> list[str]:
        """Pods of both that are not ready on their machines."""
        pods = self.target.core.list_namespaced_pod(
            "kube-system", label_selector="tier=control-plane", _request_timeout=10
        )
        ready = {pod.metadata.name for pod in pods.items if is_ready(pod)}
        names = [f"{lease}-{self._machine(lease).name}" for lease in LEASES]
        return [f"{name}: not ready" for name in names if name not in ready]
