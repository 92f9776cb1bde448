"""Whether Kubernetes follows a restored etcd: nodes report, controllers lead, something new is written and seen."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from ops.shared.cluster import REQUEST_SECONDS, Cluster, ClusterError, message

#: Who must hold its lease again; each renews it every 2 s (kube-scheduler's and kube-controller-manager's defaults).
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")
NAMESPACE = "kube-system"
_FAILURES = (ApiException, HTTPError, OSError)


class Follower(Protocol):
    """What a restore asks of the cluster."""

    def api(self) -> None: ...
    def nodes(self, since: datetime) -> None: ...
    def controllers(self, since: datetime) -> None: ...
    def write(self) -> None: ...


class Follow:
    """The checks; each raises ClusterError while it does not hold."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def api(self) -> None:
        """The API server answers and reaches etcd."""
        self.cluster.etcd_ready()

    def nodes(self, since: datetime) -> None:
        """Every node is ready, and has said so after `since`."""
        waiting = [f"{node.name} ({node.reason})" for node in self.cluster.nodes() if not node.ready]
        renewed = self._renewed("kube-node-lease")
        silent = [name for name, moment in renewed.items() if moment <= since]
        known = {node.name for node in self.cluster.nodes()}
        waiting += [f"{name} (its lease is old)" for name in sorted(known & set(silent))]
        if waiting:
            raise ClusterError(f"not ready: {', '.join(waiting)}")

    def controllers(self, since: datetime) -> None:
        """Scheduler and controller-manager lead again."""
        renewed = self._renewed(NAMESPACE)
        silent = [name for name in CONTROLLERS if name not in renewed or renewed[name] <= since]
        if silent:
            raise ClusterError(f"no leader yet: {', '.join(silent)}")

    def write(self) -> None:
        """A new object is written, is in the list that others watch, and is removed."""
        core = client.CoreV1Api(self.cluster.api_client())
        name = f"openstack-paas-restore-{secrets.token_hex(4)}"
        body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name))
        try:
            core.create_namespaced_config_map(NAMESPACE, body, _request_timeout=REQUEST_SECONDS)
            try:
                # Revision 0: out of the cache that watches are served from.
                listed = core.list_namespaced_config_map(
                    NAMESPACE, resource_version="0", _request_timeout=REQUEST_SECONDS
                ).items
                if all(one.metadata.name != name for one in listed):
                    raise ClusterError("a new object is not seen by those who watch")
            finally:
                core.delete_namespaced_config_map(name, NAMESPACE, _request_timeout=REQUEST_SECONDS)
        except _FAILURES as error:
            raise ClusterError(f"a new object cannot be written: {message(error)}") from error

    def _renewed(self, namespace: str) -> dict[str, datetime]:
        """When each lease was last renewed."""
        try:
            leases = client.CoordinationV1Api(self.cluster.api_client()).list_namespaced_lease(
                namespace, _request_timeout=REQUEST_SECONDS
            )
        except _FAILURES as error:
            raise ClusterError(f"{namespace}: no leases: {message(error)}") from error
        never = datetime.fromtimestamp(0, UTC)
        return {lease.metadata.name: lease.spec.renew_time or never for lease in leases.items}


def until(check: Callable[[], None], what: str, seconds: float, pause: float = 0.5) -> None:
    """Asks until `check` holds. Raises ClusterError naming `what` and what was seen last."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            check()
            return
        except ClusterError as error:
            if time.monotonic() >= deadline:
                raise ClusterError(f"{what}: not within {seconds:.0f} s: {error}") from error
        time.sleep(pause)
