"""The commands of a worker."""

from dataclasses import dataclass

from agent import status
from agent.command import Command, Options
from agent.kubernetes.apis import MachineApis
from agent.kubernetes.upgrade import plan_version
from agent.kubernetes.worker import Worker, WorkerSettings, open_lost_volumes
from agent.machine import Machine
from agent.system.ground import Ground, MachineState


@dataclass(frozen=True)
class State:
    """The desired state of a worker."""

    machine: MachineState
    worker: WorkerSettings


def _converge(machine: Machine, state: State, _: Options) -> None:
    ground, wanted = Ground(machine, state.machine), state.worker
    ground.attach_volume()
    plan = machine.step("version", lambda: plan_version(machine, wanted.version))
    with machine.work_folder() as folder:
        apis = MachineApis(machine, folder, wanted.role, wanted.endpoint, wanted.authorities)
        Worker(ground, wanted, plan, apis).converge()


def _open_volumes(machine: Machine, state: State, _: Options) -> None:
    """What the unit openstack-paas-volume-folders calls when a volume appears."""
    open_lost_volumes(machine, state.worker.volume_folder)


COMMANDS = {
    "converge": Command(State, _converge),
    "open-volumes": Command(State, _open_volumes, alone=False, saved=True),
    "status": status.command("worker"),
}
