"""Writes to MariaDB's primary from a pod: what goes on inside the cluster while nobody reaches it from outside."""

from __future__ import annotations

import hashlib
import secrets
from itertools import pairwise
from typing import Any, Final

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from ops.drill.waiting import DrillError, until
from ops.drill.workload import NAMESPACE
from ops.shared.cluster import REQUEST_SECONDS, Cluster, ClusterError, message
from ops.shared.outputs import Database

#: Database and user of the writer's own.
NAME: Final = "openstack_paas_inside"
DROP: Final = f"DROP DATABASE IF EXISTS {NAME}; DROP USER IF EXISTS {NAME}@'%'"
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
    """The pod, its table, and what it says that it has written."""

    def __init__(self, cluster: Cluster, database: Database) -> None:
        self.cluster, self.database = cluster, database

    @property
    def _core(self) -> Any:
        return client.CoreV1Api(self.cluster.api_client())

    def make(self) -> None:
        """Table, user and pod; returns when some numbers have been acknowledged. Raises DrillError, ClusterError."""
        password = secrets.token_urlsafe(24)
        digest = hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()
        self._root(
            f"{DROP}; CREATE DATABASE {NAME}; CREATE TABLE {NAME}.writes (number BIGINT PRIMARY KEY); "
            f"CREATE USER {NAME}@'%' IDENTIFIED BY PASSWORD '*{digest}'; GRANT INSERT ON {NAME}.writes TO {NAME}@'%'"
        )
        core, limit = self._core, {"_request_timeout": REQUEST_SECONDS}
        try:
            primary = core.read_namespaced_pod(self.database.primary, self.database.namespace, **limit)
            image = next(each.image for each in primary.spec.containers if each.name == "mariadb")
            secret = {"metadata": {"name": POD}, "stringData": {"password": password}}
            core.create_namespaced_secret(NAMESPACE, secret, **limit)
            core.create_namespaced_pod(NAMESPACE, self._pod(image), **limit)
        except (ApiException, HTTPError, OSError) as error:
            raise DrillError(f"the pod that writes cannot be made: {message(error)}") from error
        until(lambda: len(self._try_acknowledged()) >= 4, "a pod writes to the database", START_SECONDS, 1)

    def _pod(self, image: str) -> dict[str, Any]:
        password = {"secretKeyRef": {"name": POD, "key": "password"}}
        return {
            "metadata": {"name": POD},
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 1,
                "restartPolicy": "Never",
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65534,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": POD,
                        "image": image,
                        "command": ["bash", "-c", _WRITE],
                        "env": [
                            {"name": "SERVICE", "value": self.database.service},
                            {"name": "PORT", "value": str(self.database.port)},
                            {"name": "MYSQL_PWD", "valueFrom": password},
                        ],
                        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}},
                        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    }
                ],
            },
        }

    def _root(self, statement: str) -> str:
        return self.cluster.query(self.database.namespace, self.database.primary, statement)

    def acknowledged(self) -> dict[int, float]:
        """When each number was acknowledged, by the pod's clock. Raises ClusterError."""
        try:
            text = self._core.read_namespaced_pod_log(POD, NAMESPACE, _request_timeout=REQUEST_SECONDS)
        except (ApiException, HTTPError, OSError) as error:
            raise ClusterError(f"pod {NAMESPACE}/{POD}: {message(error)}") from error
        words = [line.split() for line in text.splitlines()]
        return {int(line[0]): float(line[1]) for line in words if len(line) == 2 and line[0].isdecimal()}

    def _try_acknowledged(self) -> dict[int, float]:
        try:
            return self.acknowledged()
        except ClusterError:
            # There is no log before the pod has started.
            return {}

    def lost(self) -> set[int]:
        """What was acknowledged and is not there. Raises ClusterError."""
        said = set(self.acknowledged())
        return said - {int(line) for line in self._root(f"SELECT number FROM {NAME}.writes").split()}

    def longest_gap(self) -> float:
        """Seconds between the two acknowledged writes that lie furthest apart. Raises ClusterError."""
        return max((after - before for before, after in pairwise(sorted(self.acknowledged().values()))), default=0.0)

    def remove(self) -> None:
        """The table and the user; the pod goes with its namespace. Raises ClusterError."""
        self._root(DROP)
