"""A worker is lost, the one with the database's primary."""

from __future__ import annotations

import time
from collections.abc import Mapping

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from ops.drill.machine_loss import MachineLoss
from ops.drill.probes.database import DatabaseWrite
from ops.drill.probes.probe import Probe
from ops.drill.target import Target
from ops.drill.waiting import now_if
from ops.drill.workload import REPLICAS, Workload
from ops.shared.cluster import REQUEST_SECONDS, ClusterError, message
from ops.shared.outputs import Machine


def node_of(target: Target, namespace: str, pod: str) -> str:
    """The node that a pod runs on. Raises ClusterError."""
    try:
        found = target.core.read_namespaced_pod(pod, namespace, _request_timeout=REQUEST_SECONDS)
    except (ApiException, HTTPError, OSError) as error:
        raise ClusterError(f"pod {namespace}/{pod}: {message(error)}") from error
    return str(found.spec.node_name or "")


class WorkerLoss(MachineLoss):
    """Its pods are made again elsewhere, but for those whose volume is on its disk: they come back with it."""

    name = "worker"
    about = "the worker with the database's primary is lost; pods move"
    order = 30
    role = "worker"
    why = "no machine would be left for its pods"
    detection_seconds = 120
    #: The pods' tolerations of a node that is away, and a start.
    serving_seconds = 420

    def __init__(self) -> None:
        super().__init__()
        self.lost_at = 0.0
        self.moved_after = 0.0

    def choose(self, target: Target) -> None:
        """With --delete not the primary's: what its replicas have not got yet would be gone with its disk."""
        super().choose(target)
        if self._primary_node(target) == self.victim.name:
            self.away = frozenset({DatabaseWrite.name})

    def _primary_node(self, target: Target) -> str:
        database = target.outputs.database
        return node_of(target, database.namespace, database.primary) if database else ""

    def hardest(self, target: Target) -> Machine:
        """The primary's, or with --delete another one."""
        workers, primary = target.outputs.role("worker"), self._primary_node(target)
        chosen = [worker for worker in workers if (worker.name == primary) is not target.delete]
        return (chosen or workers)[0]

    def consequences(self, target: Target) -> list[str]:
        """What moves and what waits."""
        lines = ["The cluster gives it up after a while and makes its pods again on other nodes."]
        if self.away:
            lines.append("The database's primary runs there, on its disk: writes wait until the machine is back.")
        if self.away and target.delete:
            lines.append("ITS DISK GOES TOO: rows that no replica has received yet are lost.")
        return lines

    def fault(self, target: Target) -> None:
        """Off, and the clock for the pods runs."""
        self.lost_at = time.monotonic()
        super().fault(target)

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """The cluster no longer calls the node Ready."""
        return now_if(not target.node_ready(self.victim.name))

    def serving(self, target: Target) -> bool:
        """All of the drill's own pods are ready, none of them on the lost machine."""
        nodes = [node for node in Workload(target.cluster).ready() if node != self.victim.name]
        if len(nodes) < REPLICAS:
            return False
        self.moved_after = time.monotonic() - self.lost_at
        return True

    def figures(self, target: Target) -> dict[str, float]:
        """When the pods were ready elsewhere."""
        return {"pods ready elsewhere after": self.moved_after} if self.moved_after else {}
