"""Writes to MariaDB's primary from a pod: what goes on inside the cluster while nobody reaches it from outside."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from ops.drill.probes.database import NumbersTable
from ops.drill.target import Target, api_errors
from ops.drill.waiting import until
from ops.drill.workload import NAMESPACE, pod_spec
from ops.shared.cluster import REQUEST_SECONDS, ClusterError
from ops.shared.outputs import Database

#: Database and user of the writer's own.
NAME: Final = "openstack_paas_inside"
POD: Final = "writer"
START_SECONDS: Final = 120

#: A connection a number, by the Service: a number is printed, with the time, once its commit has been answered.
_WRITE: Final = f"""
while number=$((number + 1)); do
    if mariadb --host "$SERVICE" --port "$PORT" --user {NAME} --connect-timeout 3 \\
        --execute "INSERT INTO {NAME}.writes VALUES ($number)"; then
        echo "$number $EPOCHREALTIME"
    fi
    sleep 0.25
done
"""


class InsideWriter:
    """The pod, its table, and the writes that it reports."""

    def __init__(self, target: Target, database: Database) -> None:
        self.target, self.database = target, database
        self.table = NumbersTable(target.cluster, database, NAME)

    def make(self) -> None:
        """Table, user and pod; returns when some numbers have been acknowledged. Raises DrillError, ClusterError."""
        secret = {"metadata": {"name": POD}, "stringData": {"password": self.table.create()}}
        core, limit = self.target.core, {"_request_timeout": REQUEST_SECONDS}
        with api_errors("the pod that writes cannot be created"):
            primary = core.read_namespaced_pod(self.database.primary, self.database.namespace, **limit)
            image = next(each.image for each in primary.spec.containers if each.name == "mariadb")
            core.create_namespaced_secret(NAMESPACE, secret, **limit)
            core.create_namespaced_pod(NAMESPACE, self._pod(image), **limit)
        until(lambda: len(self._try_acknowledged()) >= 4, "a pod writes to the database", START_SECONDS, 1)

    def _pod(self, image: str) -> dict[str, Any]:
        password = {"secretKeyRef": {"name": POD, "key": "password"}}
        container = {
            "name": POD,
            "image": image,
            "command": ["bash", "-c", _WRITE],
            "env": [
                {"name": "SERVICE", "value": self.database.service},
                {"name": "PORT", "value": str(self.database.port)},
                {"name": "MYSQL_PWD", "valueFrom": password},
            ],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}},
        }
        return {"metadata": {"name": POD}, "spec": pod_spec(container, restartPolicy="Never")}

    def acknowledged(self) -> dict[int, float]:
        """When each number was acknowledged, by the pod's clock. Raises ClusterError."""
        with api_errors(f"pod {NAMESPACE}/{POD}"):
            text = self.target.core.read_namespaced_pod_log(POD, NAMESPACE, _request_timeout=REQUEST_SECONDS)
        words = [line.split() for line in text.splitlines()]
        return {int(line[0]): float(line[1]) for line in words if len(line) == 2 and line[0].isdecimal()}

    def _try_acknowledged(self) -> dict[int, float]:
        try:
            return self.acknowledged()
        except ClusterError:
            # There is no log before the pod has started.
            return {}

    def lost(self) -> set[int]:
        """What was acknowledged and is not in the table. Raises ClusterError."""
        acknowledged = set(self.acknowledged())
        return acknowledged - self.table.numbers()

    def longest_gap(self) -> float:
        """Seconds between the two acknowledged writes that lie furthest apart. Raises ClusterError."""
        return max((after - before for before, after in pairwise(sorted(self.acknowledged().values()))), default=0.0)

    def remove(self) -> None:
        """The table and the user; the pod goes with its namespace. Raises ClusterError."""
        self.table.drop()
