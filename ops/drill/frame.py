"""The frame around every drill: health before, probes throughout, fault, repair, health again, and the counting."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ops.cluster import ClusterError
from ops.drill import aftermath, shield
from ops.drill.drill import Drill, DrillError, until
from ops.drill.probes.probe import Probe
from ops.drill.report import FAILED, INTERRUPTED, NOT_RESTORED, PASSED, REFUSED, Outage, Report
from ops.drill.site import Site
from ops.drill.workload import Workload
from ops.ssh import SshError

#: How long each check of the proof may take to pass before a drill, and how long the probes may take to be answered.
BEFORE_SECONDS = 30
STEADY_SECONDS = 60
#: How long one look at the platform's health may wait, while it recovers.
LOOK_SECONDS = 10
#: How long the numbers of acknowledged writes may take to be read back.
COUNT_SECONDS = 60

KNOWN = (DrillError, SshError, ClusterError)


class Refusal(Exception):
    """The drill does not begin; the message says why. Nothing was touched."""


@dataclass
class Frame:
    """One drill on one platform."""

    drill: Drill
    site: Site
    workload: Workload
    make_probes: Callable[[], list[Probe]]
    report: Report = field(init=False)
    probes: dict[str, Probe] = field(default_factory=dict)
    began: float = 0.0
    """When the failure was made, on the clock of time.monotonic; 0 before."""
    nodes: set[str] = field(default_factory=set)
    members: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self.report = Report(self.drill.name, self.site.stack, started, [])

    def look(self) -> list[str]:
        """Preconditions; returns the plan. Raises Refusal: nothing has been touched then."""
        try:
            reasons = list(self.drill.refusals(self.site))
            if not reasons:
                failed = [check for check in self.site.health(BEFORE_SECONDS) if not check.passed]
                reasons = [f"the platform is not healthy: {check.name}: {check.summary}" for check in failed]
            if not reasons:
                self.nodes = {node.name for node in self.site.cluster.nodes()}
                self.members = self.site.etcd_members() if self.site.outputs.role("etcd") else []
                self.drill.choose(self.site)
        except KNOWN as error:
            reasons = [str(error)]
        if reasons:
            self.report.status, self.report.problems = REFUSED, reasons
            raise Refusal("; ".join(reasons))
        self.report.plan = self.drill.plan(self.site)
        return self.report.plan

    def run(self) -> Report:
        """The drill itself, after `look`. Whatever happens, the repair runs once the failure has been made."""
        interrupted = False
        with shield.interruptible():
            try:
                self._prepare()
                self._fail_and_watch()
            except KeyboardInterrupt:
                interrupted = True
                self.site.say("interrupted")
            except KNOWN as error:
                self.report.problems.append(str(error))
            except Exception as error:
                # A fault in the drill itself must not keep it from the repair.
                self.report.problems.append(f"{type(error).__name__}: {error}")
            with shield.shielded(self.site.say):
                healthy = not self.began or self._repair()
                self._count()
                self._clear_away()
        report = self.report
        if not healthy:
            report.status = NOT_RESTORED
            report.state_file = str(aftermath.write(self.drill, self.site, report))
        elif interrupted:
            report.status = INTERRUPTED
        else:
            report.status = FAILED if report.problems else PASSED
        return report

    def _prepare(self) -> None:
        self.site.say("putting the drill's own pods up")
        self.workload.remove()
        self.workload.make()
        for probe in self.make_probes():
            probe.prepare()
            self.probes[probe.name] = probe
        for probe in self.probes.values():
            probe.start()
        self._steady(time.monotonic(), STEADY_SECONDS, frozenset())

    def _steady(self, since: float, seconds: float, without: frozenset[str]) -> None:
        """Until every probe is answered again and again. Raises DrillError naming those that are not."""
        waiting = {name: probe for name, probe in self.probes.items() if name not in without}

        def answered() -> bool:
            for name in [name for name, probe in waiting.items() if probe.answers.answered_since(since)]:
                del waiting[name]
            return not waiting

        try:
            until(answered, "", seconds, 0.1)
        except DrillError as error:
            what = "; ".join(f"{name}: {probe.answers.last_error}" for name, probe in waiting.items())
            raise DrillError(f"no steady answers within {seconds:.0f} s: {what}") from error

    def _fail_and_watch(self) -> None:
        drill, site, report = self.drill, self.site, self.report
        site.say("the failure begins")
        self.began = time.monotonic()
        drill.fault(site)

        def detected() -> bool:
            try:
                return drill.detected(site, self.probes, self.began)
            except KNOWN:
                return False

        until(detected, "the platform notices the failure", drill.detection_seconds, 0.2)
        report.detection_seconds = time.monotonic() - self.began
        site.say(f"noticed after {report.detection_seconds:.1f} s")
        if not drill.serves_without:
            until(lambda: time.monotonic() - self.began > drill.held_seconds, "", 2 * drill.held_seconds, 0.1)
            return
        self._steady(time.monotonic(), drill.serving_seconds, drill.away)
        until(lambda: self._serving(), "the platform serves without what failed", drill.serving_seconds)
        report.serving_seconds = time.monotonic() - self.began
        site.say(f"serves without it after {report.serving_seconds:.1f} s")

    def _serving(self) -> bool:
        try:
            return self.drill.serving(self.site)
        except KNOWN:
            return False

    def _repair(self) -> bool:
        """Whether the platform is as before afterwards."""
        began, end = time.monotonic(), time.monotonic() + self.drill.recovery_seconds
        self.site.say("repairing")
        try:
            self.drill.repair(self.site)
            self.site.away.clear()
        except Exception as error:
            # Health decides below: the platform may have come back by itself.
            self.report.problems.append(f"the repair failed: {error}")
        wrong = ["it was not looked at"]
        while wrong and (time.monotonic() < end or wrong == ["it was not looked at"]):
            wrong = self._wrong()
        if not wrong:
            try:
                self._steady(began, max(end - time.monotonic(), STEADY_SECONDS), frozenset())
            except DrillError as error:
                wrong = [str(error)]
        if wrong:
            self.report.problems += [f"after {self.drill.recovery_seconds:.0f} s: {line}" for line in wrong]
            return False
        self.report.repair_seconds = time.monotonic() - began
        self.report.recovery_seconds = time.monotonic() - self.began
        self.site.say(f"verified after {self.report.recovery_seconds:.1f} s")
        return True

    def _wrong(self) -> list[str]:
        try:
            wrong = [f"{check.name}: {check.summary}" for check in self.site.health(LOOK_SECONDS) if not check.passed]
            nodes = {node.name for node in self.site.cluster.nodes()}
            if nodes != self.nodes:
                wrong.append(f"nodes: {', '.join(sorted(nodes))} instead of {', '.join(sorted(self.nodes))}")
            members = self.site.etcd_members() if self.members else []
            if members != self.members:
                wrong.append(f"etcd members: {', '.join(members)} instead of {', '.join(self.members)}")
            return wrong + self.drill.wrong(self.site)
        except KNOWN as error:
            return [str(error)]

    def _count(self) -> None:
        """Stop the probes and look for every acknowledged number."""
        for name, probe in self.probes.items():
            probe.stop()
            answers, since = probe.answers, self.began
            gap = answers.longest_gap(since)
            asked = answers.failed(since) + sum(moment > since for moment in answers.good)
            outage = Outage(asked, answers.failed(since), None if gap == float("inf") else gap)
            outage.last_error = answers.last_error
            self.report.probes[name] = outage
            acknowledged = probe.acknowledged()
            if not acknowledged:
                continue
            try:
                kept = self._kept(probe)
            except DrillError as error:
                self.report.problems.append(str(error))
                continue
            outage.acknowledged, outage.lost = len(acknowledged), len(acknowledged - kept)
            if outage.lost:
                self.report.problems.append(
                    f"{name}: {outage.lost} of {len(acknowledged)} acknowledged writes are lost"
                )
        self.report.figures |= self.drill.figures(self.site)

    @staticmethod
    def _kept(probe: Probe) -> set[int]:
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
            until(read, f"{probe.name}: what was written is read back", COUNT_SECONDS, 1)
        except DrillError as error:
            raise DrillError(f"{error}: {errors[-1]}") from error
        return found[0]

    def _clear_away(self) -> None:
        for probe in self.probes.values():
            try:
                probe.remove()
            except Exception as error:
                # What is left is named; the next drill takes it away before it begins.
                self.report.problems.append(f"{probe.name}: what the drill made there is left: {error}")
        try:
            self.workload.remove()
        except DrillError as error:
            self.report.problems.append(str(error))
