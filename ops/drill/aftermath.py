"""When a drill cannot restore health: a file that says what was done, what answers, and where to look further."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ops.drill.drill import Drill
from ops.drill.report import Report, as_json

if TYPE_CHECKING:
    from ops.drill.target import Target


def folder() -> Path:
    """Where such files are kept: the user's folder for states of programs."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "openstack-paas"


def describe(drill: Drill, target: Target, report: Report) -> str:
    """Everything that a person needs who goes on by hand; no secret."""
    lines = [
        f"Drill {drill.name} on stack {target.stack or '(the selected one)'} at {report.started} "
        "did not restore health.",
        "",
        "What was done:",
        *(f"  {line}" for line in report.plan),
        "",
        "What went wrong:",
        *(f"  {line}" for line in "\n".join(report.problems).splitlines()),
        "",
        "What answers now:",
    ]
    for check in target.health(5):
        lines.append(f"  {'good' if check.passed else 'BAD '}  {check.name}: {check.summary}")
        lines += [f"        {line}" for line in check.lines]
    lines += ["", "What the probes saw last:"]
    lines += [f"  {name}: {outage.last_error or 'no bad answer'}" for name, outage in report.probes.items()]
    stack = f" --stack {target.stack}" if target.stack else ""
    lines += [
        "",
        "Where to look further:",
        f"  paas proof{stack}",
        "  openstack server list",
        *(f"  {command}" for command in drill.inspect(target)),
        "What brings machines back that are gone or broken:",
        f"  pulumi up --refresh{stack}",
        "",
        as_json(report),
    ]
    return "\n".join(lines) + "\n"


def write(drill: Drill, target: Target, report: Report) -> Path:
    """Write the file; only its owner reads it."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = place / f"drill-{drill.name}-{moment}.txt"
    file.touch(mode=0o600)
    file.write_text(describe(drill, target, report))
    return file
