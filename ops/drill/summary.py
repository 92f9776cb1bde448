"""Medians over the reports of many drills, as the table of docs/recovery.md."""

import json
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

PROBES = ("API read", "API write", "ingress", "database write")
TITLES = ("drill", "runs", "noticed", *PROBES, "verified", "acknowledged", "lost")


def read(lines: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The reports of drills that passed, by name. Raises ValueError or KeyError for lines that are not reports."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line.strip():
            report = json.loads(line)
            if report["outcome"] == "passed":
                found.setdefault(report["drill"], []).append(report)
    return found


def _median(values: Sequence[float | None]) -> str:
    """Of what was measured, with the longest in brackets where runs differ; empty where nothing was."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    median, longest = f"{statistics.median(known):.1f}", f"{max(known):.1f}"
    return f"{median} s" if median == longest else f"{median} ({longest}) s"


def row(name: str, reports: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """One drill's cells, in the order of TITLES. Writes are summed, all else is a median."""
    gaps = [_median([report["probes"].get(probe, {}).get("longest_gap") for report in reports]) for probe in PROBES]
    acknowledged = sum(outage["acknowledged"] for report in reports for outage in report["probes"].values())
    return (
        f"`{name}`",
        str(len(reports)),
        _median([report["detection_seconds"] for report in reports]),
        *gaps,
        _median([report["recovery_seconds"] for report in reports]),
        str(acknowledged),
        str(sum(report["lost"] for report in reports)),
    )


def table(reports: dict[str, list[dict[str, Any]]]) -> str:
    """Markdown."""
    rows = [TITLES, ("---",) * len(TITLES), *(row(name, of) for name, of in reports.items())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
