"""What a drill has measured: for people a screen, for programs JSON, for docs a line in a file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ops.drill.probes.probe import Outage

PASSED, FAILED, REFUSED, NOT_RESTORED, INTERRUPTED = 0, 1, 2, 3, 130
_WORDS = {
    PASSED: "passed",
    FAILED: "FAILED",
    REFUSED: "refused",
    NOT_RESTORED: "THE PLATFORM IS NOT HEALTHY",
    INTERRUPTED: "interrupted, and repaired",
}


@dataclass
class Report:
    """One drill, from its plan to its end. Times in seconds since the fault, but for `repair_seconds`."""

    drill: str
    stack: str
    started: str
    """UTC, ISO 8601."""
    plan: list[str]
    status: int = FAILED
    detection_seconds: float | None = None
    """Until the platform had noticed."""
    serving_seconds: float | None = None
    """Until every probe was answered again, without what failed; None where that must be repaired first."""
    repair_seconds: float | None = None
    """From the beginning of the repair until everything was verified."""
    recovery_seconds: float | None = None
    """Until everything was verified."""
    probes: dict[str, Outage] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    state_file: str = ""

    @property
    def lost(self) -> int:
        """Acknowledged writes lost, of all kinds."""
        return sum(outage.lost for outage in self.probes.values())


def as_json(report: Report) -> str:
    """One line, without secrets; times rounded to milliseconds."""
    document = asdict(report) | {"outcome": _WORDS[report.status].lower(), "lost": report.lost}

    def rounded(value: object) -> object:
        if isinstance(value, float):
            return round(value, 3)
        if isinstance(value, dict):
            return {key: rounded(item) for key, item in value.items()}
        return value

    return json.dumps(rounded(document))


def append(report: Report, file: Path) -> None:
    """Add the report to a file of JSON lines."""
    with file.open("a") as lines:
        lines.write(as_json(report) + "\n")


def seconds(value: float | None) -> str:
    """For people; a dash where nothing was measured."""
    return "-" if value is None else f"{value:.1f} s"


def _probes(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for title in ("probe", "outage", "failed of asked", "acknowledged", "lost"):
        table.add_column(title, no_wrap=True)
    for name, outage in report.probes.items():
        writes = (str(outage.acknowledged), str(outage.lost)) if outage.acknowledged or outage.lost else ("", "")
        row = (name, seconds(outage.longest_gap), f"{outage.failed} of {outage.asked}", *writes)
        table.add_row(*row, style="bold red" if outage.lost else "")
    return table


def show(console: Console, report: Report) -> None:
    """One screen."""
    times = Table.grid(padding=(0, 2))
    for title, value in (
        ("noticed after", report.detection_seconds),
        ("served again after, without what failed", report.serving_seconds),
        ("repair and verification took", report.repair_seconds),
        ("everything verified after", report.recovery_seconds),
        *report.figures.items(),
    ):
        times.add_row(Text(title, "dim"), seconds(value))
    good = report.status == PASSED
    style = "green" if good else "yellow" if report.status == INTERRUPTED else "red"
    parts: list[RenderableType] = [Text(_WORDS[report.status], f"bold {style}"), Text(), times]
    if report.probes:
        parts += [Text(), _probes(report)]
    if report.problems:
        parts += [Text(), Text("\n".join(report.problems), "red")]
    if report.state_file:
        parts += [Text(), Text(f"What was done, what answers and where to look: {report.state_file}", "bold red")]
    console.print(Panel(Group(*parts), title=f"drill {report.drill}", border_style=style))
