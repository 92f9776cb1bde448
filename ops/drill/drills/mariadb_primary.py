"""The database's primary is killed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ops.drill.drill import Drill
from ops.drill.drills.worker import node_of
from ops.drill.probes.database import DatabaseWrite
from ops.drill.probes.probe import Probe
from ops.drill.target import Target
from ops.shared.outputs import Database


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
    recovery_seconds = 300

    def __init__(self) -> None:
        self.node = ""

    def refusals(self, target: Target) -> Iterator[str]:
        """No database."""
        if target.outputs.database is None:
            yield "the platform has no database"

    @staticmethod
    def _database(target: Target) -> Database:
        assert target.outputs.database is not None
        return target.outputs.database

    def choose(self, target: Target) -> None:
        """Where the primary runs."""
        database = self._database(target)
        self.node = node_of(target, database.namespace, database.primary)

    def plan(self, target: Target) -> list[str]:
        """Fault, and that there is nothing to repair."""
        pod = self._database(target).primary
        return [
            f"The server process of {pod} on {self.node} is killed (SIGKILL).",
            "Its container starts again on the same data and reads its log; writes wait for that.",
            "Nothing has to be repaired by hand.",
        ]

    def fault(self, target: Target) -> None:
        """SIGKILL from the node: inside its container the process is number 1, which no signal from there ends."""
        database = self._database(target)
        target.script(
            target.outputs.machine(self.node), "kill-container.sh", database.namespace, database.primary, "mariadb"
        )

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """A write has failed."""
        return probes[DatabaseWrite.name].answers.first_bad(since)

    def repair(self, target: Target) -> None:
        """The kubelet has started it again already."""

    def inspect(self, target: Target) -> list[str]:
        """The pod and its log."""
        database = self._database(target)
        pod = f"-n {database.namespace} {database.primary}"
        return [f"kubectl describe pod {pod}", f"kubectl logs {pod} -c mariadb --previous"]
