"""What `paas etcd` and `paas database` have in common: their actions, and how a list of backups is shown."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ops.shared.errors import OpsError
from ops.shared.options import add_outputs, console

#: A backup older than this many intervals means that several runs in a row have failed.
LATE_INTERVALS = 3


def add_actions(
    command: argparse.ArgumentParser, one: str, restore: str, more: Mapping[str, str] = MappingProxyType({})
) -> argparse.ArgumentParser:
    """Adds `backups`, the action that takes `one`, and `restore` with its help; returns the parser of `restore`.

    `more` are actions without options, with their help.
    """
    stack = argparse.ArgumentParser(add_help=False)
    add_outputs(stack)
    actions = command.add_subparsers(dest="action", required=True)
    backups = actions.add_parser("backups", parents=[stack], help=f"list {one}s; status 1 when the newest is too old")
    backups.add_argument("--json", action="store_true", help="print JSON")
    actions.add_parser(one, parents=[stack], help="take one now")
    for name, text in more.items():
        actions.add_parser(name, parents=[stack], help=text)
    restoring = actions.add_parser("restore", parents=[stack], help=restore)
    restoring.add_argument("--yes", action="store_true", help="do not ask")
    return restoring


def duration(seconds: float) -> str:
    """Two units at most: 45 s, 12 min, 3 h 20 min, 9 d."""
    minutes = int(seconds) // 60
    if minutes < 2:
        return f"{int(seconds)} s"
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d"


def size(count: int) -> str:
    """Bytes in MiB."""
    return f"{count / 2**20:.1f} MiB"


def confirm(question: str, answer: str) -> None:
    """Asks on standard error, and returns when the user types `answer`. Raises OpsError otherwise."""
    if not sys.stdin.isatty():
        raise OpsError("nothing was done: give --yes where nobody can answer")
    sys.stderr.write(question)
    sys.stderr.flush()
    if sys.stdin.readline().strip() != answer:
        raise OpsError("nothing was done")


def print_json(document: Mapping[str, Any]) -> None:
    """The document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def print_table(
    columns: Iterable[str], rows: Iterable[Iterable[str]], problems: Iterable[str], late: str, recent: str
) -> None:
    """A table, what went wrong, and whether the newest is late or `recent`. ">name" is a column of numbers."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    screen = console(140)
    screen.print(table)
    for problem in problems:
        screen.print(problem, style="yellow", markup=False)
    screen.print(late or recent, style="bold red" if late else "green")
