"""`paas timeline`: a run of the engine as a table for the terminal, and as a picture."""

import argparse
from pathlib import Path

from jinja2 import StrictUndefined, Template
from rich.table import Table

from ops.shared.options import console
from ops.timeline.steps import Run, Step, read

#: Colours by kind of resource, the first that matches the type; readable for colour-blind people (Okabe and Ito).
COLOURS = (
    ("openstack:compute", "Machines", "#0072B2"),
    ("openstack:", "Network", "#56B4E9"),
    ("tls:", "Keys and certificates", "#B8B8B8"),
    ("command:", "Steps on machines", "#009E73"),
    ("kubernetes:", "Inside Kubernetes", "#CC79A7"),
    ("", "Other", "#999999"),
)
CRITICAL = "#D55E00"


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
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
        arguments.svg.write_text(draw(found, arguments.title))
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


def draw(run: Run, title: str = "") -> str:
    """A bar for each step that took longer than a second, the critical path in a colour of its own."""
    drawn = [step for step in run.steps if step.seconds > 1 or step.failed or step in run.critical]
    note = f"{len(run.steps)} operations in {run.seconds:.0f} s"
    if len(drawn) < len(run.steps):
        note += f"; {len(run.steps) - len(drawn)} of at most 1 s are not drawn"
    template = Path(__file__).with_name("picture.svg.j2").read_text(encoding="utf-8")
    return Template(
        template, undefined=StrictUndefined, autoescape=True, trim_blocks=True, keep_trailing_newline=True
    ).render(
        run=run,
        drawn=drawn,
        title=title or "Timeline",
        note=note,
        # Time marks: at most a dozen.
        tick=next((tick for tick in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if run.seconds / tick <= 12), 1200),
        legend={name: colour for _, name, colour in COLOURS if colour in map(colour_of, drawn)}
        | {"Critical path": CRITICAL},
        colour_of=colour_of,
        CRITICAL=CRITICAL,
    )


def colour_of(step: Step) -> str:
    """The colour of a step's kind."""
    return next(colour for prefix, _, colour in COLOURS if step.type.startswith(prefix))
