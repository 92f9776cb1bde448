"""The end of cloud-init, in the words of each of its releases."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import NOT_FOUND, TIMED_OUT, Ended
from agent.system import cloud_init
from tests.unit.agent.fake_machine import FakeMachine

GOOD = '{"v1": {"datasource": "DataSourceOpenStack", "errors": []}}'


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


def test_it_has_ended(machine: FakeMachine) -> None:
    machine.write(cloud_init.RESULT, GOOD)
    cloud_init.wait(machine)
    assert machine.calls == [] and machine.lines == []
    assert machine.unit == "cloud-final.service"


@pytest.mark.parametrize("result", ['{"v1": {"errors": ["no network"]}}', '{"v1"', "{}", "[]", '{"v1": null}'])
def test_it_has_ended_with_errors(machine: FakeMachine, result: str) -> None:
    machine.write(cloud_init.RESULT, result)
    cloud_init.wait(machine)
    assert machine.lines == ["cloud-init ended with errors (see cloud-init status --long); continuing"]


def test_it_is_disabled(machine: FakeMachine) -> None:
    machine.write(cloud_init.DISABLED)
    cloud_init.wait(machine)
    assert machine.calls == [] and machine.lines == []


def test_it_is_not_installed(machine: FakeMachine) -> None:
    machine.answer("cloud-init", NOT_FOUND)
    cloud_init.wait(machine)
    assert machine.elapsed == 0


@pytest.mark.parametrize("words", ["status: running", "status: not run", "status: not started"])
def test_it_has_not_ended(machine: FakeMachine, words: str) -> None:
    machine.answer("cloud-init status", f"{words}\n")
    machine.clock.after(30, lambda: machine.write(cloud_init.RESULT, GOOD))
    cloud_init.wait(machine)
    assert 30 <= machine.elapsed < 31


def test_it_does_not_end(machine: FakeMachine) -> None:
    machine.answer("cloud-init status", "....\nstatus: running\n")
    with pytest.raises(Failed, match=r"waited 240 s for cloud-init to end; last seen: \.\.\.\.\nstatus: running"):
        cloud_init.wait(machine)


def test_no_answer_is_no_end(machine: FakeMachine) -> None:
    machine.answer("cloud-init status", Ended(TIMED_OUT, "", "cloud-init did not end within 20 s"))
    with pytest.raises(Failed, match="last seen: cloud-init did not end"):
        cloud_init.wait(machine)


@pytest.mark.parametrize(
    "ended", [Ended(0, "status: done\n"), Ended(1, "status: error\n"), Ended(2, "status: degraded\n")]
)
def test_any_end_will_do(machine: FakeMachine, ended: Ended) -> None:
    machine.answer("cloud-init status", ended)
    cloud_init.wait(machine)
    assert machine.elapsed == 0
