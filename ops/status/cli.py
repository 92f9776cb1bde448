"""The words of `python -m ops status`; what they start is imported when it is called."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """The subcommand `status`."""
    parser = commands.add_parser("status", help="the whole platform on one screen, and what is wrong with it")
    parser.add_argument("--stack", help="name of the stack (default: the selected one)")
    parser.add_argument("--outputs", type=Path, metavar="FILE", help="read the outputs from a JSON file instead")
    parser.add_argument("--json", action="store_true", help="print JSON (with --watch one line each time)")
    parser.add_argument("--watch", type=_seconds, metavar="SECONDS", help="again and again, until Ctrl-C")


def _seconds(text: str) -> float:
    seconds = float(text)
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text}: a pause is longer than nothing")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """0 healthy, 1 problems, 2 nothing could be asked."""
    from ops.status import command

    return command.run(arguments)
