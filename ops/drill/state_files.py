"""Files in the user's folder for states of programs: a drill's lock, and what a drill that failed to repair leaves."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ops.drill.base import Drill
from ops.drill.report import Report, as_json


def folder() -> Path:
    """Where such files are kept; exists afterwards."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    place = Path(base) / "openstack-paas"
    place.mkdir(parents=True, exist_ok=True)
    return place


@contextmanager
def one_at_a_time(stack: str) -> Iterator[bool]:
    """Whether no other drill of this stack runs on this machine; none begins while the block runs.

    The lock goes with the process, however that ends. Drills on other machines are seen by what they write to the
    platform (Workload.in_use).
    """
    with (folder() / f"drill-{stack}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def describe(drill: Drill, report: Report) -> str:
    """Everything that a person needs who continues by hand; no secret."""
    target = drill.target
    lines = [
        f"Drill {drill.name} on stack {target.stack} at {report.started} did not restore health.",
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
    lines += [
        "",
        "What the probes saw last:",
        *(f"  {name}: {outage.last_error or 'no bad answer'}" for name, outage in report.probes.items()),
        "",
        "Where to look further:",
        f"  paas proof --stack {target.stack}",
        "  openstack server list",
        *(f"  {command}" for command in drill.inspect()),
        "What brings machines back that are gone or broken:",
        f"  pulumi up --refresh --stack {target.stack}",
        "",
        as_json(report),
    ]
    return "\n".join(lines) + "\n"


def write_description(drill: Drill, report: Report) -> Path:
    """Write what was done, what answers, and where to look further; only the file's owner reads it."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = folder() / f"drill-{drill.name}-{moment}.txt"
    file.touch(mode=0o600)
    file.write_text(describe(drill, report))
    return file
