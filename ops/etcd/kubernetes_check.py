"""Whether Kubernetes follows a restored etcd: nodes report, controllers lead, something new is written and seen."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

from kubernetes import client

from ops.shared.cluster import REQUEST_SECONDS, Cluster, ClusterError, asking

#: Who must hold its lease again; each renews it every 2 s (kube-scheduler's and kube-controller-manager's defaults).
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")
NAMESPACE = "kube-system"


class Follow:
    """The checks. Each raises ClusterError while its condition does not hold."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def api(self) -> None:
        """The API server answers and reaches etcd."""
        self.cluster.etcd_ready()

    def nodes(self, since: datetime) -> None:
        """Every node is ready, and has reported after `since`."""
        nodes = self.cluster.nodes()
        waiting = [f"{node.name} ({node.reason})" for node in nodes if not node.ready]
        renewed = self._renewed("kube-node-lease")
        silent = sorted(node.name for node in nodes if node.name in renewed and renewed[node.name] <= since)
        waiting += [f"{name} (its lease is old)" for name in silent]
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
        limit = {"_request_timeout": REQUEST_SECONDS}
        with asking("a new object cannot be written"):
            core.create_namespaced_config_map(NAMESPACE, body, **limit)
            try:
                # Revision 0: out of the cache that watches are served from.
                listed = core.list_namespaced_config_map(NAMESPACE, resource_version="0", **limit).items
                if all(one.metadata.name != name for one in listed):
                    raise ClusterError("a new object is not seen by those who watch")
            finally:
                core.delete_namespaced_config_map(name, NAMESPACE, **limit)

    def _renewed(self, namespace: str) -> dict[str, datetime]:
        """When each lease was last renewed."""
        with asking(f"{namespace}: no leases"):
            api = client.CoordinationV1Api(self.cluster.api_client())
            leases = api.list_namespaced_lease(namespace, _request_timeout=REQUEST_SECONDS).items
        never = datetime.fromtimestamp(0, UTC)
        return {lease.metadata.name: lease.spec.renew_time or never for lease in leases}


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
