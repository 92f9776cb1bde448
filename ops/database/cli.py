"""The words of `python -m ops database`; what they start is imported when it is called."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # argparse gives this class no public name.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Commands) -> None:
    """The parser of `database` and of its actions."""
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", help="name of the stack (default: the selected one)")
    stack.add_argument("--outputs", type=Path, metavar="FILE", help="read the outputs from a JSON file instead")
    database = commands.add_parser("database", help="backups of MariaDB, and the way back from them")
    actions = database.add_subparsers(dest="action", required=True)
    backups = actions.add_parser("backups", parents=[stack], help="list backups; status 1 when the newest is too old")
    backups.add_argument("--json", action="store_true", help="print JSON")
    actions.add_parser("backup", parents=[stack], help="take one now")
    restore = actions.add_parser("restore", parents=[stack], help="put a backup in the place of all data")
    restore.add_argument("--backup", metavar="NAME", help="this backup (default: the newest)")
    restore.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """The exit status."""
    from ops.database import command

    return command.run(arguments)
