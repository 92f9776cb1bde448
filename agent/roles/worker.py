"""The commands of a worker."""

from dataclasses import dataclass

from agent import status
from agent.command import Command, Options
from agent.kubernetes.apis import MachineApis
from agent.kubernetes.upgrade import plan_version
from agent.kubernetes.volume_folders import open_lost_volumes
from agent.kubernetes.worker import Worker, WorkerSettings
from agent.machine import Machine
from agent.system.ground import Ground, MachineState


@dataclass(frozen=True)
class State:
    """The desired state of a worker."""

    machine: MachineState
    worker: WorkerSettings


def _converge(machine: Machine, state: State, options: Options) -> None:
    del options
    ground, node = Ground(machine, state.machine), state.worker.node
    ground.attach_volume()
    plan = machine.step("version", lambda: plan_version(machine, node.version))
    with machine.work_folder() as folder:
        apis = MachineApis(machine, folder, node.role, node.endpoint, node.authorities)
        Worker(ground, state.worker, plan, apis).converge()


def _open_volumes(machine: Machine, state: State, options: Options) -> None:
    """What the unit openstack-paas-volume-folders calls when a volume appears."""
    del options
    open_lost_volumes(machine, state.worker.node.volume_folders)


COMMANDS = {
    "converge": Command(State, _converge),
    "open-volumes": Command(State, _open_volumes, alone=False, saved=True),
    "status": status.command("worker"),
}
