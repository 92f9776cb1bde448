"""Waits until the cluster can be used, so that what needs an API can start."""

from pathlib import Path
from typing import Final

from agent.kubernetes_api import KubernetesApi, probing
from agent.machine import Machine

#: kubeadm publishes this for everyone to read, after it has given the administrators their rights.
CLUSTER_INFO: Final = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
#: Seconds for one look.
_LOOK_SECONDS: Final = 2.0


def wait_until_usable(machine: Machine, endpoint: str, ca: Path, seconds: float) -> None:
    """Returns when `cluster-info` is there: an API server that is ready before would refuse administrators."""
    began = machine.clock.monotonic()
    api = KubernetesApi(endpoint, None, machine.clock, ca)

    def look() -> None:
        with probing():
            api.request("GET", CLUSTER_INFO, seconds=_LOOK_SECONDS)

    machine.retry_until(seconds, f"the API at https://{endpoint} to be usable", look)
    machine.log(f"the API at https://{endpoint} is usable after {machine.clock.monotonic() - began:.0f} s")
