"""The commands of a member of etcd."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from agent import installed, status
from agent.command import Command, Options
from agent.etcd import converge as member
from agent.etcd.backup import take_before_change
from agent.etcd.backup_settings import BackupSettings
from agent.etcd.commands import commands
from agent.etcd.converge import EtcdSettings
from agent.etcd.defragment import end_alarm_where_it_fits
from agent.etcd.network import Network
from agent.machine import Machine
from agent.system.ground import Ground, MachineState


@dataclass(frozen=True)
class State:
    """The desired state of a machine of this role."""

    machine: MachineState
    etcd: EtcdSettings
    backups: BackupSettings


def converge(machine: Machine, state: State, options: Options) -> None:
    """Brings this machine to its desired state."""
    ground = Ground(machine, state.machine)
    ground.attach_volume()
    member.converge(
        machine,
        state.etcd,
        state.backups,
        Network(machine),
        ground,
        partial(take_before_change, machine, state.backups),
        partial(end_alarm_where_it_fits, machine, state.backups),
    )
    # The release before the agent kept its scripts there.
    shutil.rmtree(machine.path(f"{installed.FOLDER}/etcd"), ignore_errors=True)


COMMANDS: Final[Mapping[str, Command[Any]]] = {
    "converge": Command(State, converge),
    **commands(State),
    "status": status.command("etcd"),
}
