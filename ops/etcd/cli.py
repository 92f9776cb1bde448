"""The options of `paas etcd`; the work is imported when it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from ops.shared.options import Commands, add_outputs


def add(commands: Commands) -> None:
    """The parser of `etcd` and of its actions."""
    stack = argparse.ArgumentParser(add_help=False)
    add_outputs(stack)
    etcd = commands.add_parser("etcd", help="snapshots of etcd, and the way back from them")
    actions = etcd.add_subparsers(dest="action", required=True)
    backups = actions.add_parser("backups", parents=[stack], help="list snapshots; status 1 when the newest is too old")
    backups.add_argument("--json", action="store_true", help="print JSON")
    actions.add_parser("snapshot", parents=[stack], help="take one now")
    restore = actions.add_parser("restore", parents=[stack], help="bring etcd back from lost data or a lost majority")
    restore.add_argument("--snapshot", metavar="NAME", help="this snapshot (default: the newest data that there is)")
    restore.add_argument("--identity", type=Path, metavar="FILE", help="age identity, for an encrypted snapshot")
    restore.add_argument(
        "--gone", action="append", default=[], metavar="MEMBER", help="this machine will never come back (repeatable)"
    )
    restore.add_argument("--yes", action="store_true", help="do not ask")
    restore.add_argument("--json", action="store_true", help="print what was done and how long it took as JSON")
    etcd.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status."""
    from ops.etcd import command

    return command.run(arguments)
