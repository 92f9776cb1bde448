"""The commands of a control plane."""

import json
from dataclasses import dataclass

from agent import status
from agent.command import Command, Options
from agent.etcd_api import Etcd, Tls
from agent.kubernetes import cluster_commands
from agent.kubernetes.api_server import ApiServer
from agent.kubernetes.apis import MachineApis
from agent.kubernetes.control_plane import ControlPlane
from agent.kubernetes.control_plane_state import ControlPlaneSettings
from agent.kubernetes.node_settings import KUBERNETES
from agent.kubernetes.upgrade import plan_version
from agent.machine import Failed, Machine
from agent.system import lock
from agent.system.ground import Ground, MachineState

#: Seconds for which stop and start of the API server wait for a run that is on its way.
_LOCK_SECONDS = 120


@dataclass(frozen=True)
class State:
    """The desired state of a control plane."""

    machine: MachineState
    control_plane: ControlPlaneSettings


def _converge(machine: Machine, state: State, _: Options) -> None:
    ground, wanted = Ground(machine, state.machine), state.control_plane
    ground.attach_volume()
    plan = machine.step("version", lambda: plan_version(machine, wanted.version))
    pki = machine.path(f"{KUBERNETES}/pki")
    identity = Tls(pki / "etcd/ca.crt", pki / "apiserver-etcd-client.crt", pki / "apiserver-etcd-client.key")
    with machine.work_folder() as folder:
        apis = MachineApis(machine, folder, wanted.role, wanted.endpoint, wanted.authorities)
        ControlPlane(ground, wanted, plan, apis, Etcd(wanted.etcd_endpoints, identity)).converge()


def _api_server(machine: Machine, state: State, options: Options) -> None:
    """`action` is start, stop or state. While etcd is restored, `ops` and people call it. Prints JSON."""
    action, wanted = options.get("action", ""), state.control_plane
    server = ApiServer(machine, None, wanted.address, wanted.api_port)
    machine.step_name = "API server"
    if action in ("start", "stop"):
        with lock.hold(machine, lock.ONE_RUN, _LOCK_SECONDS, "an earlier run"):
            (server.start if action == "start" else server.stop)()
    elif action != "state":
        raise Failed(f"action=start, action=stop or action=state, not {action!r}")
    print(json.dumps({"api_server": server.state()}))


COMMANDS = {
    **cluster_commands.COMMANDS,
    "converge": Command(State, _converge),
    "api-server": Command(State, _api_server, alone=False, saved=True, options=("action",)),
    "status": status.command("control-plane"),
}
