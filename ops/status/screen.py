"""Prints a report as one screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ops.status.problems import Problem
from ops.status.report import Report
from ops.status.rows import Part, parts

#: Where there is no terminal to tell its width, in columns.
WIDTH = 140


def console() -> Console:
    """For standard output."""
    import sys

    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def screen(report: Report, problems: Sequence[Problem], verdict_first: bool = False) -> RenderableType:
    """All of it. The verdict comes last, next to the prompt, or first, where a small terminal cuts the end off."""
    moment = datetime.fromtimestamp(report.time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    head = Text(f"{report.stack or 'selected stack'}   {moment}   asked in {report.seconds:.1f} s", "cyan")
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(ratio=1)
    for part in parts(report, problems):
        table.add_row(part.title, _part(part))
    verdict = _verdict(report, problems)
    return Group(head, Text(), *([*verdict, Text(), table] if verdict_first else [table, Text(), *verdict]))


def _part(part: Part) -> Table:
    """The rows of one part, in columns of their own."""
    columns = max(len(row.cells) for row in part.rows)
    table = Table.grid(padding=(0, 2))
    for index in range(columns):
        # The last one takes what is left and may go on in the next line; names and states stay whole.
        table.add_column(no_wrap=index == 0, overflow="fold")
    for row in part.rows:
        table.add_row(*(Text(cell, "bold red" if row.bad else "") for cell in row.cells))
    return table


def _verdict(report: Report, problems: Sequence[Problem]) -> list[RenderableType]:
    if report.blind:
        return [Text("Nothing could be asked: neither the API nor any machine answers.", "bold red"), *_list(problems)]
    if not problems:
        return [Text("Healthy.", "bold green")]
    return [Text(f"{len(problems)} problem{'s' * (len(problems) != 1)}", "bold red"), *_list(problems)]


def _list(problems: Sequence[Problem]) -> list[RenderableType]:
    """Each problem once; the page that helps once for all that it helps with."""
    lines: list[RenderableType] = []
    for page in dict.fromkeys(problem.runbook for problem in problems):
        lines += [Text(f"  {problem}", "red") for problem in problems if problem.runbook == page]
        if page:
            lines.append(Text(f"    what to do: {page}", "yellow"))
    return lines
