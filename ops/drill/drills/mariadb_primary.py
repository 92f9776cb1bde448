"""The database's primary is killed."""

from __future__ import annotations

from collections.abc import Iterator

from ops.drill.base import Drill
from ops.drill.probes.database import DatabaseWrite
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
