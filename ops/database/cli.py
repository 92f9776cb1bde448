"""The options of `paas database`; the work is imported when it runs."""

from __future__ import annotations

import argparse

from ops.shared.options import Commands, add_outputs


def add(commands: Commands) -> None:
    """The parser of `database` and of its actions."""
    stack = argparse.ArgumentParser(add_help=False)
    add_outputs(stack)
    database = commands.add_parser("database", help="backups of MariaDB, and the way back from them")
    actions = database.add_subparsers(dest="action", required=True)
    backups = actions.add_parser("backups", parents=[stack], help="list backups; status 1 when the newest is too old")
    backups.add_argument("--json", action="store_true", help="print JSON")
    actions.add_parser("backup", parents=[stack], help="take one now")
    restore = actions.add_parser("restore", parents=[stack], help="put a backup in the place of all data")
    restore.add_argument("--backup", metavar="NAME", help="this backup (default: the newest)")
    restore.add_argument("--yes", action="store_true", help="do not ask")
    database.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status."""
    from ops.database import command

    return command.run(arguments)
