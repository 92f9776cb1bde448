"""One run at a time on a machine."""

import subprocess
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.system import lock
from tests.unit.agent.fake_machine import FakeMachine


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


def test_a_second_run_is_refused_at_once_or_waits(machine: FakeMachine) -> None:
    with lock.hold(machine, lock.ONE_RUN, 0, "another run"):
        with pytest.raises(Failed, match="another run is in progress on this machine"):
            lock.hold(machine, lock.ONE_RUN, 0, "another run").__enter__()
        assert machine.clock.seconds == 0
        with pytest.raises(Failed, match="waited 60 s for the end of another run"):
            lock.hold(machine, lock.ONE_RUN, 60, "another run").__enter__()
    with lock.hold(machine, lock.ONE_RUN, 0, "another run"):
        pass


def test_one_that_waits_gets_its_turn(machine: FakeMachine) -> None:
    first = lock.hold(machine, "/run/lock", 0, "another run")
    first.__enter__()
    machine.clock.after(30, lambda: first.__exit__(None, None, None))
    with lock.hold(machine, "/run/lock", 60, "another run"):
        assert 30 <= machine.clock.seconds < 31


def test_programs_do_not_keep_it(machine: FakeMachine) -> None:
    with lock.hold(machine, "/run/lock", 0, "another run"):
        child = subprocess.Popen(["sleep", "60"])
    try:
        # It is free, although the program goes on.
        with lock.hold(machine, "/run/lock", 0, "another run"):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_it_is_free_after_a_failure(machine: FakeMachine) -> None:
    with pytest.raises(Failed, match="because"), lock.hold(machine, "/run/lock", 0, "another run"):
        raise Failed("because")
    with lock.hold(machine, "/run/lock", 0, "another run"):
        pass
