"""A report as JSON. Keys stay as they are within a `format`; new ones may come. docs/status.md describes them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ops.status.problems import Problem
from ops.status.report import Report

FORMAT = 1
#: Exit statuses: healthy, problems, nothing could be asked.
HEALTHY, PROBLEMS, BLIND = 0, 1, 2


def status(report: Report, problems: Sequence[Problem]) -> int:
    """The exit status."""
    if report.blind:
        return BLIND
    return PROBLEMS if problems else HEALTHY


def document(report: Report, problems: Sequence[Problem]) -> dict[str, Any]:
    """No secret is in it."""
    found = _plain(report)
    for backup in found["backups"]:
        backup["copied"] = dict(backup["copied"])
    return {
        "format": FORMAT,
        "status": status(report, problems),
        "problems": [{**_plain(problem), "runbook": problem.runbook} for problem in problems],
        **found,
    }


def text(report: Report, problems: Sequence[Problem], indent: int | None = 2) -> str:
    """As it is printed."""
    return json.dumps(document(report, problems), indent=indent)


def _plain(value: Any) -> Any:
    """Dataclasses as objects with keys like thisOne; the keys of mappings are names and stay."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_camel(field.name): _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
