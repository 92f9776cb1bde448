"""What a probe saw, and whether every write that was acknowledged to it is still there."""

from __future__ import annotations

from ops.drill.probes.probe import Probe
from ops.drill.report import Outage
from ops.drill.waiting import DrillError, until

#: How long the numbers of acknowledged writes may take to be read back.
SECONDS = 60.0


def outage(probe: Probe, since: float) -> Outage:
    """What a stopped probe saw after `since` (time.monotonic); its writes are all counted, earlier ones too."""
    answers = probe.answers
    failed, gap = answers.failed(since), answers.longest_gap(since)
    asked = failed + sum(moment > since for moment in answers.good)
    return Outage(asked, failed, None if gap == float("inf") else gap, last_error=answers.last_error)


def count(probe: Probe, seen: Outage, seconds: float = SECONDS) -> None:
    """Look for every acknowledged number. Raises DrillError when they cannot be read back or some are lost."""
    acknowledged = probe.acknowledged()
    if not acknowledged:
        return
    seen.acknowledged = len(acknowledged)
    seen.lost = len(acknowledged - _kept(probe, seconds))
    if seen.lost:
        raise DrillError(f"{probe.name}: {seen.lost} of {len(acknowledged)} acknowledged writes are lost")


def _kept(probe: Probe, seconds: float) -> set[int]:
    found: list[set[int]] = []
    errors: list[str] = []

    def read() -> bool:
        try:
            found.append(probe.kept())
        except Exception as error:
            # Any failure to read is one more reason to read again, until the time is up.
            errors.append(str(error))
        return bool(found)

    try:
        until(read, f"{probe.name}: what was written is read back", seconds, 1)
    except DrillError as error:
        raise DrillError(f"{error}: {errors[-1]}") from error
    return found[0]
