"""`paas timeline`: what took how long in a run of the engine."""

from __future__ import annotations

import argparse
from pathlib import Path

from ops.shared.options import Commands, console


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("timeline", help="what took how long in a run of the engine, and its critical path")
    parser.add_argument("log", type=Path, help="the engine's event log (pulumi up --event-log FILE)")
    parser.add_argument("--state", type=Path, help="`pulumi stack export` of that stack, for the dependencies")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the picture there")
    parser.add_argument("--title", default="", help="title of the picture")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0, after the table and, when asked for, the picture. Raises TimelineError."""
    from ops.timeline import report, steps

    found = steps.read(arguments.log, arguments.state)
    report.show(console(), found)
    if arguments.svg:
        arguments.svg.write_text(report.picture(found, arguments.title))
    return 0
