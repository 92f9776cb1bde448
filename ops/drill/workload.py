"""What a drill puts into the cluster, all in one namespace: pods that answer visitors, and an object to write to."""

import time
from contextlib import suppress
from typing import Any, Final

from kubernetes import client

from ops.drill.target import Target
from ops.drill.waiting import DrillError, until
from ops.shared.cluster import FAILURES, REQUEST_SECONDS, asking, is_ready, may_be_missing, message
from settings import ports
from settings.versions import BUSYBOX

NAMESPACE: Final = "openstack-paas-drill"
WRITES: Final = "writes"
REPLICAS: Final = 2
LABELS: Final = {"app": "web"}


def pod_spec(container: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pod with one container that the `restricted` security standard admits. `more` are keys of its spec."""
    restrictions = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container | {"securityContext": restrictions}],
        **more,
    }


WEB: Final[dict[str, Any]] = {
    "name": "web",
    "image": f"docker.io/library/busybox:{BUSYBOX}",
    "command": ["httpd", "-f", "-p", "8080", "-h", "/pages"],
    "ports": [{"containerPort": 8080}],
    "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}, "limits": {"memory": "32Mi"}},
    "volumeMounts": [{"name": "pages", "mountPath": "/pages"}],
}
SPREAD: Final[dict[str, Any]] = {
    "maxSkew": 1,
    "topologyKey": "kubernetes.io/hostname",
    "whenUnsatisfiable": "ScheduleAnyway",
    "labelSelector": {"matchLabels": LABELS},
}
#: Answers with one page. Pods are spread, and each worker answers for its own pod only (externalTrafficPolicy), so that
#: a gateway's check of a worker's port tells whether that worker serves. Tolerations are the cluster's.
DEPLOYMENT: Final[dict[str, Any]] = {
    "metadata": {"name": "web"},
    "spec": {
        "replicas": REPLICAS,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": pod_spec(
                WEB,
                topologySpreadConstraints=[SPREAD],
                volumes=[{"name": "pages", "configMap": {"name": "pages"}}],
            ),
        },
    },
}
SERVICE: Final[dict[str, Any]] = {
    "metadata": {"name": "web"},
    "spec": {
        "type": "NodePort",
        "externalTrafficPolicy": "Local",
        "selector": LABELS,
        "ports": [{"port": 80, "targetPort": 8080, "nodePort": ports.INGRESS_HTTP}],
    },
}


class Workload:
    """Made before a drill and removed after it."""

    def __init__(self, target: Target, seconds: float = 120) -> None:
        self.target, self.seconds = target, seconds

    def make(self) -> None:
        """Everything, up and ready. Raises DrillError, ClusterError."""
        core, limit = self.target.core, {"_request_timeout": REQUEST_SECONDS}
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        pages = {"metadata": {"name": "pages"}, "data": {"index.html": "served\n"}}
        with asking("the drill's own pods cannot be created"):
            core.create_namespace({"metadata": {"name": NAMESPACE, "labels": labels}}, **limit)
            core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": WRITES}}, **limit)
            core.create_namespaced_config_map(NAMESPACE, pages, **limit)
            if not self.port_taken():
                core.create_namespaced_service(NAMESPACE, SERVICE, **limit)
            apps = client.AppsV1Api(self.target.cluster.api_client())
            apps.create_namespaced_deployment(NAMESPACE, DEPLOYMENT, **limit)
        until(lambda: len(self.ready()) >= REPLICAS, "the drill's own pods are ready", self.seconds, 1)

    def port_taken(self) -> bool:
        """Whether something of the platform's user answers on port 80 already; then the probe asks that."""
        services = self.target.core.list_service_for_all_namespaces(_request_timeout=REQUEST_SECONDS).items
        return any(
            port.node_port == ports.INGRESS_HTTP
            for service in services
            if service.metadata.namespace != NAMESPACE
            for port in service.spec.ports or []
        )

    def ready(self) -> list[str]:
        """The nodes of the pods that are ready, one entry a pod; empty when the API does not answer."""
        with suppress(*FAILURES):
            pods = self.target.core.list_namespaced_pod(
                NAMESPACE, label_selector="app=web", _request_timeout=REQUEST_SECONDS
            ).items
            return [pod.spec.node_name for pod in pods if pod.metadata.deletion_timestamp is None and is_ready(pod)]
        return []

    def in_use(self, seconds: float = 3.0) -> bool:
        """Whether another drill runs on this platform: its numbers grow while one looks. Raises ClusterError."""
        first = self._writes_version()
        end = time.monotonic() + seconds
        while first and time.monotonic() < end:
            time.sleep(0.5)
            if self._writes_version() != first:
                return True
        return False

    def _writes_version(self) -> str:
        """Changes with each write; empty when there is nothing to write to."""
        with asking(f"namespace {NAMESPACE}"), may_be_missing():
            found = self.target.core.read_namespaced_config_map(WRITES, NAMESPACE, _request_timeout=REQUEST_SECONDS)
            return str(found.metadata.resource_version)
        return ""

    def remove(self) -> None:
        """Nothing of a drill is left, nor of a previous one that was interrupted. Raises DrillError."""
        end = time.monotonic() + self.seconds
        while True:
            problem = "it is still being removed"
            try:
                self.target.core.delete_namespace(NAMESPACE, _request_timeout=REQUEST_SECONDS)
            except FAILURES as error:
                if getattr(error, "status", None) == 404:
                    return
                problem = message(error)
            if time.monotonic() > end:
                raise DrillError(f"namespace {NAMESPACE}: not gone within {self.seconds:.0f} s: {problem}")
            time.sleep(1)
