"""The subcommand `python -m ops drill NAME`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """The subcommand `drill`."""
    parser = commands.add_parser("drill", help="make one failure on purpose, measure it, repair it, verify that")
    parser.add_argument(
        "name", metavar="NAME", help="a drill, `all` of them, `list` them, or `summary`: medians of a file of reports"
    )
    parser.add_argument("--stack", help="name of the stack (default: the selected one)")
    parser.add_argument("--machine", default="", help="the machine that shall fail (default: the one felt most)")
    parser.add_argument(
        "--delete", action="store_true", help="delete the machine; `pulumi up --refresh` makes it again"
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--production", action="store_true", help="yes, on a platform for production too")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each drill")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="also add that line to FILE (for `summary`: read it)"
    )


def run(arguments: argparse.Namespace) -> int:
    """The worst of the drills' statuses: 0 passed, 1 failed, 2 refused, 3 the platform is not healthy."""
    # OpenStack's libraries take a second to load, which no other command shall wait for.
    from ops.drill import command

    return command.run(arguments)
