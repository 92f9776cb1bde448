"""Commands of a control plane."""

from collections.abc import Mapping
from typing import Any, Final

from agent.command import Command
from agent.kubernetes import cluster_commands

COMMANDS: Final[Mapping[str, Command[Any]]] = {**cluster_commands.COMMANDS}
