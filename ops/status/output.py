"""A report as it is printed: as one screen, or as JSON, which docs/status.md describes."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ops.status.problems import Problem
from ops.status.report import Report
from ops.status.rows import Row, parts

#: Of the JSON. Keys stay as they are within a format; new ones may come.
FORMAT = 1
#: Exit statuses: healthy, problems, nothing could be asked.
HEALTHY, PROBLEMS, BLIND = 0, 1, 2


def exit_status(report: Report, problems: Sequence[Problem]) -> int:
    """HEALTHY, PROBLEMS or BLIND."""
    if report.blind:
        return BLIND
    return PROBLEMS if problems else HEALTHY


def as_json(report: Report, problems: Sequence[Problem], indent: int | None = 2) -> str:
    """No secret is in it."""
    document = {
        "format": FORMAT,
        "status": exit_status(report, problems),
        "problems": [{**_keys(problem), "runbook": problem.runbook} for problem in problems],
        **_keys(report),
    }
    return json.dumps(document, indent=indent, default=_keys)


def _keys(value: Any) -> dict[str, Any]:
    """A dataclass as an object with keys like thisOne."""
    words = {field.name: field.name.split("_") for field in dataclasses.fields(value)}
    return {first + "".join(map(str.capitalize, rest)): getattr(value, name) for name, (first, *rest) in words.items()}


def screen(report: Report, problems: Sequence[Problem], verdict_first: bool = False) -> RenderableType:
    """All of it. The verdict comes last, next to the prompt, or first, where a small terminal cuts the end off."""
    moment = datetime.fromtimestamp(report.time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    head = Text(f"{report.stack or 'selected stack'}   {moment}   asked in {report.seconds:.1f} s", "cyan")
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(ratio=1)
    for title, rows in parts(report, problems).items():
        table.add_row(title, _columns(rows))
    verdict = _verdict(report, problems)
    return Group(head, Text(), *([*verdict, Text(), table] if verdict_first else [table, Text(), *verdict]))


def _columns(rows: Sequence[Row]) -> Table:
    """The rows of one part, in columns of their own."""
    table = Table.grid(padding=(0, 2))
    for index in range(max(len(row.cells) for row in rows)):
        # Names stay whole; the other cells may continue on the next line.
        table.add_column(no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, "bold red" if row.bad else "") for cell in row.cells))
    return table


def _verdict(report: Report, problems: Sequence[Problem]) -> list[RenderableType]:
    """How it is, then each problem once; the page that helps once for all that it helps with."""
    if not problems and not report.blind:
        return [Text("Healthy.", "bold green")]
    count = f"{len(problems)} problem{'s' * (len(problems) != 1)}"
    blind = "Nothing could be asked: neither the API nor any machine answers."
    lines: list[RenderableType] = [Text(blind if report.blind else count, "bold red")]
    for page in dict.fromkeys(problem.runbook for problem in problems):
        lines += [Text(f"  {problem}", "red") for problem in problems if problem.runbook == page]
        if page:
            lines.append(Text(f"    what to do: {page}", "yellow"))
    return lines
