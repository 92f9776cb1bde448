"""Runs a drill: health before, probes throughout, fault, repair, health again, and the count of lost writes."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType, TracebackType
from typing import Self

from ops.drill import state_files
from ops.drill.base import Drill
from ops.drill.probes.http import ApiWrite
from ops.drill.probes.probe import Probe
from ops.drill.report import FAILED, INTERRUPTED, NOT_RESTORED, PASSED, REFUSED, Report, seconds
from ops.drill.waiting import DrillError, until
from ops.drill.workload import Workload
from ops.shared.cluster import ClusterError
from ops.shared.ssh import SshError

#: How long each check of the proof may take to pass before a drill, and how long the probes may take to be answered.
BEFORE_SECONDS = 30
STEADY_SECONDS = 60
#: How long one look at the platform's health may wait, while it recovers.
LOOK_SECONDS = 10
LOOK_PAUSE_SECONDS = 0.5

#: What the platform's failures raise; anything else is a fault in the drill.
EXPECTED = (DrillError, SshError, ClusterError)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Ctrl-C and `kill` end a drill early, but never in the middle of its repair.

    While it is open, the first signal raises KeyboardInterrupt and closes it; closed, signals only get an answer.
    One switch and not two handlers after each other: at no moment between them can a signal interrupt the repair.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.open = True
        self._previous: dict[int, object] = {}

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if self.open:
            self.open = False
            raise KeyboardInterrupt
        self.say("the platform is being repaired first; every step of that has a time limit")

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._arrived) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


class Runner:
    """One drill on one platform."""

    def __init__(self, drill: Drill, workload: Workload, make_probes: Callable[[], list[Probe]]) -> None:
        self.drill, self.target, self.workload, self.make_probes = drill, drill.target, workload, make_probes
        self.report = Report(drill.name, drill.target.stack, datetime.now(UTC).isoformat(timespec="seconds"), [])
        self.before: dict[str, list[str]] = {}
        """What must be the same after the repair."""

    def refuse(self, *reasons: str) -> Report:
        """The report of a drill that does not begin. Nothing was touched."""
        self.report.status, self.report.problems = REFUSED, list(reasons)
        return self.report

    def look(self) -> bool:
        """Whether the drill may begin: then the report has its plan, otherwise the reasons. Touches nothing."""
        try:
            reasons = self._reasons_against()
        except EXPECTED as error:
            reasons = [str(error)]
        if reasons:
            self.refuse(*reasons)
        else:
            self.report.plan = self.drill.plan()
        return not reasons

    def _reasons_against(self) -> list[str]:
        if reasons := list(self.drill.refusals()):
            return reasons
        if self.workload.in_use():
            return ["another drill runs on this platform: two at once measure and repair each other's failures"]
        if failed := self._failed_checks(BEFORE_SECONDS):
            return [f"the platform is not healthy: {check}" for check in failed]
        self.before = self._nodes_and_members()
        self.drill.choose()
        return []

    def _failed_checks(self, limit: float) -> list[str]:
        return [f"{check.name}: {check.summary}" for check in self.target.health(limit) if not check.passed]

    def _nodes_and_members(self) -> dict[str, list[str]]:
        nodes = sorted(node.name for node in self.target.cluster.nodes())
        return {"nodes": nodes, "etcd members": self.target.etcd_members() if self.target.outputs.role("etcd") else []}

    @contextmanager
    def _noting(self, what: str, *errors: type[Exception]) -> Iterator[None]:
        """Such an error in the block becomes one of the report's problems and stops nothing else."""
        try:
            yield
        except errors as error:
            self.report.problems.append(f"{what}{error}")

    def run(self) -> Report:
        """The drill itself, after `look`. Whatever happens, the repair runs once the failure has been made."""
        interrupted = False
        with Interruption(self.target.say) as interruption:
            try:
                self._prepare()
                self._fail_and_watch()
                interruption.open = False
            except KeyboardInterrupt:
                interrupted = True
                self.target.say("interrupted")
            except EXPECTED as error:
                self.report.problems.append(str(error))
            except Exception as error:
                # A fault in the drill itself must not keep it from the repair.
                self.report.problems.append(f"{type(error).__name__}: {error}")
            interruption.open = False
            healthy = not self.drill.began or self._repair()
            self._count()
            self._clear_away()
        report = self.report
        if not healthy:
            report.status = NOT_RESTORED
            # The report itself must come out.
            with self._noting("no file with the platform's state: ", Exception):
                report.state_file = str(state_files.write_description(self.drill, report))
        elif interrupted and not report.lost:
            report.status = INTERRUPTED
        else:
            report.status = FAILED if report.problems else PASSED
        return report

    def _prepare(self) -> None:
        self.target.say("creating the drill's own pods")
        self.workload.remove()
        self.workload.make()
        for probe in self.make_probes():
            # Known before it has made anything, so that what it makes is removed however far it comes.
            self.drill.probes[probe.name] = probe
            probe.prepare()
        for probe in self.drill.probes.values():
            probe.start()
        self._steady(time.monotonic(), STEADY_SECONDS, frozenset())

    def _steady(self, since: float, limit: float, without: frozenset[str]) -> None:
        """Until every probe is answered again and again. Raises DrillError naming those that are not."""
        end = time.monotonic() + limit
        waiting = {name: probe for name, probe in self.drill.probes.items() if name not in without}
        while waiting := {name: each for name, each in waiting.items() if not each.answers.answered_since(since)}:
            if time.monotonic() > end:
                what = "; ".join(f"{name}: {probe.answers.last_error}" for name, probe in waiting.items())
                raise DrillError(f"no steady answers within {limit:.0f} s: {what}")
            time.sleep(0.1)

    def _fail_and_watch(self) -> None:
        drill, target, report = self.drill, self.target, self.report

        def noticed() -> bool:
            with suppress(*EXPECTED):
                moment = drill.noticed_at()
                report.detection_seconds = None if moment is None else moment - drill.began
            return report.detection_seconds is not None

        def serving() -> bool:
            with suppress(*EXPECTED):
                return drill.serving()
            return False

        target.say("the failure begins")
        drill.began = time.monotonic()
        drill.fault()
        until(noticed, "the platform notices the failure", drill.detection_seconds, 0.2)
        target.say(f"noticed after {seconds(report.detection_seconds)}")
        if drill.held_seconds is not None:
            time.sleep(max(0.0, drill.began + drill.held_seconds - time.monotonic()))
            return
        self._steady(time.monotonic(), drill.serving_seconds, drill.silent_probes)
        until(serving, "the platform serves without what failed", drill.serving_seconds)
        report.serving_seconds = time.monotonic() - drill.began
        target.say(f"serves without it after {seconds(report.serving_seconds)}")

    def _repair(self) -> bool:
        """Whether the platform is as before afterwards."""
        began, end = time.monotonic(), time.monotonic() + self.drill.recovery_seconds
        self.target.say("repairing")
        # Health decides below: the platform may have come back by itself.
        with self._noting("the repair failed: ", Exception):
            self.drill.repair()
            self.target.away.clear()
        while (wrong := self._wrong()) and time.monotonic() < end:
            time.sleep(LOOK_PAUSE_SECONDS)
        if not wrong:
            try:
                self._steady(began, max(end - time.monotonic(), STEADY_SECONDS), frozenset())
            except DrillError as error:
                wrong = [str(error)]
        if wrong:
            self.report.problems += [f"after {self.drill.recovery_seconds:.0f} s: {line}" for line in wrong]
            return False
        self.report.repair_seconds = time.monotonic() - began
        self.report.recovery_seconds = time.monotonic() - self.drill.began
        self.target.say(f"verified after {seconds(self.report.recovery_seconds)}")
        return True

    def _wrong(self) -> list[str]:
        try:
            wrong = self._failed_checks(LOOK_SECONDS)
            for what, names in self._nodes_and_members().items():
                if names != self.before[what]:
                    wrong.append(f"{what}: {', '.join(names)} instead of {', '.join(self.before[what])}")
            return wrong + self.drill.wrong()
        except Exception as error:
            # Whatever keeps the platform from being looked at: it is not known to be healthy.
            return [str(error) or type(error).__name__]

    def _count(self) -> None:
        """Stop the probes and look for every acknowledged number."""
        problems = self.report.problems
        for probe in self.drill.probes.values():
            probe.stop()
            seen = self.report.probes[probe.name] = probe.outage(self.drill.began)
            with self._noting("", DrillError):
                seen.lost = len(probe.lost_writes())
            if seen.lost and not (self.drill.loses and probe.name == ApiWrite.name):
                problems.append(f"{probe.name}: {seen.lost} of {seen.acknowledged} acknowledged writes are lost")
        if self.drill.began:
            with self._noting("what this drill counts is not known: ", *EXPECTED):
                problems += self.drill.failures()
        self.report.figures |= self.drill.figures

    def _clear_away(self) -> None:
        for probe in self.drill.probes.values():
            # What is left is named; the next drill removes it before it begins.
            with self._noting(f"{probe.name}: what the drill created is left behind: ", Exception):
                probe.remove()
        with self._noting("", DrillError):
            self.workload.remove()
