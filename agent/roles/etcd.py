"""A member of etcd."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent.command import Command
from agent.etcd.backup_settings import BackupSettings
from agent.etcd.commands import commands


@dataclass(frozen=True)
class State:
    """The desired state of the machine."""

    backups: BackupSettings


COMMANDS: Final[Mapping[str, Command[Any]]] = commands(State)
