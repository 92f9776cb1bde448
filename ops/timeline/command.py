"""`paas timeline`: a run of the engine as a table for the terminal, and as a picture."""

import argparse
from pathlib import Path

from rich.table import Table

from ops.shared.options import Commands, console
from ops.timeline import picture
from ops.timeline.steps import Run, read


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
    found = read(arguments.log, arguments.state)
    show(found)
    if arguments.svg:
        arguments.svg.write_text(picture.draw(found, arguments.title))
    return 0


def show(run: Run) -> None:
    """Prints every step in order of its start, then the critical path with the waits in between."""
    table = Table(title=f"{len(run.steps)} operations in {run.seconds:.0f} s (times in seconds; * critical path)")
    path = Table(title="Critical path" if run.by_dependencies else "Critical path, guessed from times (give --state)")
    for columns, words, numbers in (
        (table, ("", "resource", "type", "operation"), ("start", "end", "took")),
        (path, ("resource", "type"), ("waited", "took", "at")),
    ):
        for name in words:
            columns.add_column(name, overflow="fold")
        for name in numbers:
            columns.add_column(name, justify="right")
    for step in run.steps:
        mark = "*" if step in run.critical else ""
        operation = f"{step.operation}, FAILED" if step.failed else step.operation
        times = (f"{step.start:.0f}", f"{step.end:.0f}", f"{step.seconds:.0f}")
        table.add_row(mark, step.name, step.short_type, operation, *times, style="bold" if mark else None)
    before = 0.0
    for step in run.critical:
        times = (f"{max(0.0, step.start - before):.0f}", f"{step.seconds:.0f}", f"{step.end:.0f}")
        path.add_row(step.name, step.short_type, *times)
        before = step.end
    screen = console()
    screen.print(table)
    screen.print(path)
