"""etcd is stopped on every member at once, and started again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from ops.drill.drill import Drill
from ops.drill.probes.probe import Probe
from ops.drill.probes.writes import ApiWrite
from ops.drill.target import Target


class EtcdStop(Drill):
    """The API refuses or waits; what runs goes on; afterwards everything goes on where it was."""

    name = "etcd-stop"
    about = "etcd is stopped on all members at once and started again"
    order = 40
    serves_without = False
    held_seconds = 15
    recovery_seconds = 300

    def refusals(self, target: Target) -> Iterator[str]:
        """Only where etcd is a service on machines of its own."""
        if not target.outputs.role("etcd"):
            yield "etcd has no machines of its own"

    def plan(self, target: Target) -> list[str]:
        """Fault and repair."""
        names = ", ".join(machine.name for machine in target.outputs.role("etcd"))
        return [
            f"etcd is stopped on {names}, all at once, for {self.held_seconds:.0f} s.",
            "The API answers no reads of objects and no writes meanwhile; pods and the database go on.",
            "Then it is started again on all of them.",
        ]

    def _everywhere(self, target: Target, what: str) -> None:
        machines = target.outputs.role("etcd")
        with ThreadPoolExecutor(len(machines)) as pool:
            # Starting waits until the member has joined the others; no member must wait for the next one's turn.
            list(pool.map(lambda machine: target.script(machine, "etcd-service.sh", what, seconds=120), machines))

    def fault(self, target: Target) -> None:
        """Stopped everywhere."""
        self._everywhere(target, "stop")

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """A write has failed."""
        return probes[ApiWrite.name].answers.first_bad(since)

    def repair(self, target: Target) -> None:
        """Started everywhere."""
        self._everywhere(target, "start")

    def inspect(self, target: Target) -> list[str]:
        """The service on each member."""
        return [f"paas ssh {machine.name} systemctl status etcd --no-pager" for machine in target.outputs.role("etcd")]
