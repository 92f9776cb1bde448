"""Commands that act on the whole cluster, as the administrator that every control plane has anyway.

Their states have no secret. One may come from an earlier `up` than the agent that reads it (a node leaves by what the
last `up` with it has recorded): a field that goes, or a new one without a default, would hold machines that leave.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from agent.command import Command, Options
from agent.kubernetes import kubeconfig, labels_and_taints
from agent.kubernetes.apis import MachineApis
from agent.kubernetes.kube_proxy import point_kube_proxy
from agent.kubernetes.labels_and_taints import LabelsAndTaints
from agent.kubernetes.leave import Departure, leave
from agent.kubernetes.node_settings import ADMIN_KUBECONFIG
from agent.kubernetes_api import KubernetesApi
from agent.machine import Failed, Machine, NotYet
from agent.system import files

State = TypeVar("State")

#: This control plane's own API server.
LOCAL_API: Final = "127.0.0.1:6443"


@dataclass(frozen=True)
class KubeProxy:
    """Where kube-proxy finds the API."""

    server: str
    """As https://host:port."""
    kubernetes_version: str
    """kubeadm's upgrade writes the address that clients use: with another version this has to run again."""


@contextlib.contextmanager
def administrator(machine: Machine) -> Iterator[KubernetesApi]:
    """The API as the administrator, at this machine's own server, or where its kubeconfig leads. Raises Failed."""
    text = files.read(machine.path(ADMIN_KUBECONFIG))
    if not text:
        raise Failed(
            f"{ADMIN_KUBECONFIG} does not exist: {machine.name} is not a control plane yet. Run `pulumi up --refresh`, "
            "which repairs a lost machine"
        )
    with machine.work_folder() as folder:
        authorities = kubeconfig.embedded(text, "certificate-authority-data")
        apis = MachineApis(machine, folder, "control-plane", "", authorities)
        try:
            apis.anonymous(LOCAL_API).is_ready()
            api = apis.admin(LOCAL_API)
        except NotYet as seen:
            api = apis.admin()
            machine.log(f"this machine's API server is not ready ({seen}): asking {api.endpoint}")
        yield api


def _command(name: str, state: type[State], act: Callable[[Machine, KubernetesApi, State], None]) -> Command[State]:
    """Beside whatever else runs on the control plane."""

    def run(machine: Machine, wanted: State, _: Options) -> None:
        machine.step_name = name
        with administrator(machine) as api:
            act(machine, api, wanted)

    return Command(state, run, alone=False)


def _point_kube_proxy(machine: Machine, api: KubernetesApi, wanted: KubeProxy) -> None:
    point_kube_proxy(machine, api, wanted.server)
    machine.log("ready")


COMMANDS: Final[Mapping[str, Command[Any]]] = {
    "leave": _command("leave", Departure, leave),
    "kube-proxy": _command("kube-proxy", KubeProxy, _point_kube_proxy),
    "nodes": _command("nodes", LabelsAndTaints, labels_and_taints.follow),
}
