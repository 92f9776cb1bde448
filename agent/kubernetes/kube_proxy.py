"""kube-proxy finds the API on its own machine: a control plane's API server, or a worker's balancer.

All its pods have one kubeconfig, which kubeadm writes at init and with each upgrade, with the address that clients use.
"""

import re
from typing import Final

from agent.kubernetes_api import ApiError, KubernetesApi, failing
from agent.machine import Failed, Machine

#: Which server the pods were started for. kubeadm drops it.
ANNOTATION: Final = "openstack-paas/api"
_CONFIGURATION: Final = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
_PODS: Final = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"
_FILE: Final = "kubeconfig.conf"


def point_kube_proxy(machine: Machine, api: KubernetesApi, server: str) -> None:
    """Pods that know another server (https://host:port) start again; connections go on. Raises Failed."""
    try:
        configuration = api.ask("GET", _CONFIGURATION)
    except ApiError as error:
        if error.status == 404:
            machine.log("this cluster has no kube-proxy")
            return
        raise Failed(f"cannot read the configuration of kube-proxy at {api.endpoint}: {error}") from error
    now = str((configuration.get("data") or {}).get(_FILE) or "")
    found = re.search(r"server: (\S+)", now)
    if not found:
        raise Failed(f"the configuration of kube-proxy at {api.endpoint} names no server ({_FILE})")
    if found[1] != server:
        wanted = now[: found.start(1)] + server + now[found.end(1) :]
        with failing("cannot change the configuration of kube-proxy"):
            api.ask("PATCH", _CONFIGURATION, {"data": {_FILE: wanted}})
    with failing(f"cannot read the DaemonSet kube-proxy at {api.endpoint}"):
        pods = api.ask("GET", _PODS)
    annotations = pods["spec"]["template"].get("metadata", {}).get("annotations") or {}
    if annotations.get(ANNOTATION) != server:
        patch = {"spec": {"template": {"metadata": {"annotations": {ANNOTATION: server}}}}}
        with failing("cannot change the DaemonSet kube-proxy"):
            api.ask("PATCH", _PODS, patch)
        machine.log(f"kube-proxy finds the API at {server}")
