"""A process that leads is stopped or killed: scheduler and controller manager, or the database's primary."""

import time
from collections.abc import Iterator

from ops.drill.base import Drill
from ops.drill.probes.database import DatabaseWrite
from ops.shared.cluster import is_ready
from ops.shared.outputs import Database, Machine

LEASES = ("kube-scheduler", "kube-controller-manager")


class LeaderElection(Drill):
    """The others notice when the lease has run out (15 s, requested every 2 s), and one of them leads."""

    name = "leader-election"
    about = "scheduler and controller manager are stopped where they lead"
    order = 13
    role = "control-plane"
    at_least = 2
    why = "no other scheduler and controller manager could take over"
    detection_seconds = 60
    #: Where the manifests are kept meanwhile.
    commands = ("paas ssh {machine} sudo ls -l /etc/kubernetes/manifests",)

    holders: dict[str, str]
    """The identity that held each lease; known after `choose`."""

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


class MariadbPrimary(Drill):
    """The server process dies without a chance to close anything; its container starts again on the same data.

    Every acknowledged row is there afterwards, because the primary syncs its log with each commit. What this does not
    cover is a lost disk: replication is asynchronous as long as the chart's `replication.semiSync` is off, and nothing
    promotes a replica.
    """

    name = "mariadb-primary"
    about = "the server process of the database's primary is killed"
    order = 14
    detection_seconds = 30
    serving_seconds = 300
    noticed_by = DatabaseWrite.name
    database: Database
    node: str
    """The primary's. Both are known after `choose`."""

    def refusals(self) -> Iterator[str]:
        if self.target.outputs.database is None:
            yield "the platform has no database"

    def choose(self) -> None:
        assert self.target.outputs.database is not None
        self.database, self.node = self.target.outputs.database, self.target.primary_node()

    def plan(self) -> list[str]:
        return [
            f"The server process of {self.database.primary} on {self.node} is killed (SIGKILL).",
            "Its container starts again on the same data and reads its log; writes wait for that.",
            "Nothing has to be repaired by hand.",
        ]

    def fault(self) -> None:
        """SIGKILL from the node: inside its container the process is number 1, which no signal from inside ends."""
        machine = self.target.outputs.machine(self.node)
        self.target.script(machine, "kill-container.sh", self.database.namespace, self.database.primary, "mariadb")

    def repair(self) -> None:
        """The kubelet has started it again already."""

    def inspect(self) -> list[str]:
        pod = f"-n {self.database.namespace} {self.database.primary}"
        return [f"kubectl describe pod {pod}", f"kubectl logs {pod} -c mariadb --previous"]
