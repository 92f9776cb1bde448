"""The runner of drills, on fakes: the order of steps, the repair whatever happens, and what is counted."""

import os
import signal
from pathlib import Path

import pytest

from ops.drill import runner as frames
from ops.drill.report import FAILED, INTERRUPTED, NOT_RESTORED, PASSED, REFUSED, as_json
from ops.drill.waiting import DrillError
from tests.unit.ops.drill_samples import FakeTarget, Numbers, Trial, runner, target


@pytest.fixture
def platform() -> FakeTarget:
    return target()


@pytest.fixture
def trial(platform: FakeTarget) -> Trial:
    return Trial(platform)


@pytest.fixture
def probe(platform: FakeTarget) -> Numbers:
    return Numbers(platform)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(frames, "STEADY_SECONDS", 1)
    monkeypatch.setattr(frames, "LOOK_PAUSE_SECONDS", 0.01)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_steps_come_in_their_order_and_everything_is_measured(trial: Trial, probe: Numbers) -> None:
    made = runner(trial, probe)
    assert made.look() and made.report.plan == ["It falls ill."]
    report = made.run()
    events = trial.platform.events
    assert [event for event in events if event != "health"] == ["remove", "make", "fault", "repair", "remove"]
    assert events.index("health") == 0, "health is looked at before anything is touched"
    assert "health" in events[events.index("repair") :], "and after the repair"
    assert report.status == PASSED, report.problems
    assert report.detection_seconds is not None and report.detection_seconds < 0.05
    assert report.recovery_seconds is not None and report.repair_seconds is not None
    assert report.recovery_seconds >= trial.held_seconds + report.repair_seconds - 0.01
    seen = report.probes["numbers"]
    assert seen.failed > 0 and seen.lost == 0 and seen.acknowledged == len(probe.numbers) > 0
    assert seen.longest_gap is not None and seen.longest_gap >= trial.held_seconds
    assert probe.removed


def test_an_unhealthy_platform_is_refused_untouched(trial: Trial, probe: Numbers) -> None:
    trial.platform.sick = "a node is away"
    made = runner(trial, probe)
    assert not made.look()
    assert made.report.status == REFUSED
    assert made.report.problems == ["the platform is not healthy: nodes: a node is away"]
    assert trial.platform.events == ["health"]


def test_two_drills_at_once_are_refused(trial: Trial, probe: Numbers) -> None:
    made = runner(trial, probe)
    made.workload.busy = True  # type: ignore[attr-defined]
    assert not made.look()
    assert made.report.status == REFUSED and "another drill runs on this platform" in made.report.problems[0]
    assert trial.platform.events == []


def test_a_fault_that_fails_is_repaired_too(trial: Trial, probe: Numbers) -> None:
    trial.fails = DrillError("half of it failed")
    made = runner(trial, probe)
    made.look()
    report = made.run()
    assert report.status == FAILED and report.problems == ["half of it failed"]
    assert trial.platform.events.count("repair") == 1 and not trial.platform.sick


def test_a_mistake_in_a_drill_does_not_keep_it_from_the_repair(trial: Trial, probe: Numbers) -> None:
    trial.fails = ZeroDivisionError("what nobody thought of")
    made = runner(trial, probe)
    made.look()
    assert made.run().problems == ["ZeroDivisionError: what nobody thought of"]
    assert not trial.platform.sick


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_repairs_first(trial: Trial, probe: Numbers, number: int) -> None:
    class Interrupted(Trial):
        def fault(self) -> None:
            self.platform.sick = "ill"
            os.kill(os.getpid(), number)

        def repair(self) -> None:
            os.kill(os.getpid(), number)
            super().repair()

    said: list[str] = []
    trial.platform.say = said.append
    before = signal.getsignal(number)
    made = runner(Interrupted(trial.platform), probe)
    made.look()
    report = made.run()
    assert report.status == INTERRUPTED
    assert not trial.platform.sick and trial.platform.events[-1] == "remove"
    assert any("being repaired first" in line for line in said), "the second signal got an answer and no more"
    assert signal.getsignal(number) is before


def test_lost_health_is_said_loudly_and_described_in_a_file(trial: Trial, probe: Numbers) -> None:
    trial.cures = False
    made = runner(trial, probe)
    made.look()
    report = made.run()
    assert report.status == NOT_RESTORED
    assert "the platform is not healthy" in as_json(report)
    text = Path(report.state_file).read_text()
    for words in ("It falls ill.", "BAD   nodes: ill", "numbers: OSError: ill", "paas proof --stack paas"):
        assert words in text
    assert Path(report.state_file).stat().st_mode & 0o077 == 0
    assert trial.platform.events[-2:] == ["remove", "health"], "what the drill made is removed all the same"


def test_another_set_of_nodes_is_not_health(trial: Trial, probe: Numbers) -> None:
    made = runner(trial, probe)
    made.look()
    trial.platform.cluster.nodes().pop()  # the fake hands out its own list
    report = made.run()
    assert report.status == NOT_RESTORED
    assert any("nodes: " in problem and "instead of" in problem for problem in report.problems)


def test_a_lost_write_fails_the_drill(trial: Trial, probe: Numbers) -> None:
    probe.forgotten = {2, 3}
    made = runner(trial, probe)
    made.look()
    report = made.run()
    assert report.status == FAILED and report.lost == 2
    assert report.problems == [f"numbers: 2 of {len(probe.numbers)} acknowledged writes are lost"]


def test_what_cannot_be_read_back_is_not_taken_as_kept(probe: Numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> set[int]:
        raise OSError("no answer")

    probe.numbers = {1}
    monkeypatch.setattr(probe, "kept", broken)
    with pytest.raises(DrillError, match=r"numbers: the writes could not be read back within 0 s: no answer"):
        probe.lost_writes(0)
    assert probe.outage(0).acknowledged == 1


def test_what_a_drill_itself_counts_fails_it(trial: Trial, probe: Numbers, platform: FakeTarget) -> None:
    trial.losses = ["2 of 9 pods were evicted"]
    made = runner(trial, probe)
    made.look()
    done = made.run()
    assert done.status == FAILED
    assert done.problems == ["2 of 9 pods were evicted"]
