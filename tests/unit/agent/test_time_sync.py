"""The clock: chrony with set servers or the image's, its offset, and containers, whose clock is their host's."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import NOT_FOUND, TIMED_OUT, Ended
from agent.system import time_sync
from agent.system.time_sync import TimeSync
from machines.common.templates import render_template
from tests.unit.agent.fake_machine import FakeMachine, FakeSystemd

UNIT, FILE = time_sync.UNIT, time_sync.CONFIGURATION
SET = TimeSync("server 192.0.2.123 iburst\n")
IMAGE = TimeSync()


def tracking(offset: str = "0.000012345", leap: str = "Normal", stratum: int = 3, reference: str = "C000027B") -> str:
    """A line of `chronyc -c tracking`, as chrony 4.3 prints it."""
    return (
        f"{reference},192.0.2.123,{stratum},1767323045.123456789,{offset},-0.000001234,0.000009876,"
        f"-12.345,0.001,0.123,0.004000000,0.001000000,64.2,{leap}\n"
    )


NO_SERVER = "00000000,,0,0.000000000,0.000000000,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n"


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    machine = FakeMachine(tmp_path)
    machine.answer("systemd-detect-virt --container", Ended(1, "none\n"))
    machine.answer("chronyd -p -f")
    machine.answer("chronyc", tracking())
    machine.write(FILE, "pool 2.debian.pool.ntp.org iburst\n")
    return machine


@pytest.fixture
def systemd(machine: FakeMachine) -> FakeSystemd:
    systemd = FakeSystemd(machine)
    systemd.states[UNIT] = "active"
    systemd.enabled.add(UNIT)
    return systemd


def test_set_servers_and_the_images_again(machine: FakeMachine, systemd: FakeSystemd) -> None:
    for _ in range(2):
        time_sync.apply(machine, SET)
    assert machine.path(FILE).read_text() == SET.configuration
    assert systemd.calls == [f"restart {UNIT}"]
    time_sync.apply(machine, TimeSync("server 192.0.2.124 iburst\n"))
    for _ in range(2):
        time_sync.apply(machine, IMAGE)
    assert machine.path(FILE).read_text() == "pool 2.debian.pool.ntp.org iburst\n"
    assert systemd.calls[1:] == [f"restart {UNIT}"] * 2


def test_an_interrupted_change_does_not_lose_the_images_file(
    machine: FakeMachine, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.answer("chronyd -p -f", Ended(1, "", "stopped"))
    with pytest.raises(Failed):
        time_sync.apply(machine, SET)
    machine.answer("chronyd -p -f")
    time_sync.apply(machine, SET)
    time_sync.apply(machine, IMAGE)
    assert machine.path(FILE).read_text() == "pool 2.debian.pool.ntp.org iburst\n"


def test_what_the_image_has_stays(machine: FakeMachine, systemd: FakeSystemd) -> None:
    systemd.states[UNIT] = "inactive"
    systemd.enabled.clear()
    time_sync.apply(machine, IMAGE)
    assert machine.path(FILE).read_text() == "pool 2.debian.pool.ntp.org iburst\n"
    assert systemd.calls == [f"enable {UNIT}", f"reset-failed {UNIT}", f"start {UNIT}"]


def test_what_chrony_refuses_is_not_put_in_place(machine: FakeMachine, systemd: FakeSystemd) -> None:
    machine.answer("chronyd -p -f", Ended(1, "", "Fatal error : Could not parse server directive at line 1"))
    with pytest.raises(Failed, match="would not be valid, the old one stays: Fatal error"):
        time_sync.apply(machine, SET)
    assert machine.path(FILE).read_text() == "pool 2.debian.pool.ntp.org iburst\n"
    assert systemd.calls == []


def test_the_template_has_the_set_servers_only() -> None:
    text = render_template("common/chrony.conf.j2", servers=["10.0.0.1", "ntp.example"])
    sources = [line for line in text.splitlines() if line.startswith(("server", "pool", "peer"))]
    assert sources == ["server 10.0.0.1 iburst", "server ntp.example iburst"]


def test_in_a_container_it_says_so_and_goes_on(machine: FakeMachine, systemd: FakeSystemd) -> None:
    machine.answer("systemd-detect-virt --container", "lxc\n")
    machine.answer("chronyc", Ended(1, "", "506 Cannot talk to daemon"))
    time_sync.apply(machine, SET)
    time_sync.check(machine, SET)
    # Several chronyds would pull at the one clock.
    assert systemd.calls == [f"disable {UNIT}", f"stop {UNIT}"]
    assert "this machine is a container (lxc): its clock is its host's" in machine.said
    assert "the clock is the host's: not checked here" in machine.said
    assert machine.path(FILE).read_text() == "pool 2.debian.pool.ntp.org iburst\n"


def test_a_clock_that_is_right(machine: FakeMachine) -> None:
    time_sync.check(machine, SET)
    assert machine.lines == ["the clock is 0.0 ms off 192.0.2.123 (stratum 3, within 3.0 ms)"]


@pytest.mark.parametrize("wanted", [SET, IMAGE])
def test_the_first_answers_take_a_moment(machine: FakeMachine, wanted: TimeSync) -> None:
    machine.answer("chronyc", NO_SERVER)
    machine.clock.after(8, lambda: machine.answer("chronyc", tracking()))
    time_sync.check(machine, wanted)
    assert 8 <= machine.elapsed < 9


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (NO_SERVER, "chrony follows no server"),
        (tracking(leap="Not synchronised"), "chrony follows no server"),
        (tracking(reference="7F7F0101"), "chrony follows no server"),
        (Ended(1, "", "506 Cannot talk to daemon"), "506 Cannot talk to daemon"),
        (Ended(TIMED_OUT, "", "chronyc did not end"), "chronyc did not end"),
        (Ended(NOT_FOUND, "", "chronyc: No such file"), "No such file"),
        ("501 Not authorised\n", "501 Not authorised"),
        (tracking(offset="words"), "words"),
    ],
)
def test_set_servers_that_do_not_answer_are_a_failure(machine: FakeMachine, answer: object, seen: str) -> None:
    machine.answer("chronyc", answer)  # type: ignore[arg-type]
    with pytest.raises(Failed) as failed:
        time_sync.check(machine, SET)
    assert "waited 120 s for the clock to follow a time server" in str(failed.value)
    assert seen in str(failed.value)
    assert "Are the time servers of the settings right, and is UDP port 123 open to them?" in str(failed.value)
    assert machine.unit == UNIT


def test_on_a_closed_site_without_set_servers_it_goes_on(machine: FakeMachine) -> None:
    machine.answer("chronyc", NO_SERVER)
    time_sync.check(machine, IMAGE)
    assert machine.elapsed < 17
    assert "no time server answers, and nothing checks this clock" in machine.said
    assert "set time servers; going on" in machine.said


@pytest.mark.parametrize("wanted", [SET, IMAGE])
@pytest.mark.parametrize("offset", ["-12.3", "12.3", "0.51"])
def test_a_clock_that_is_known_to_be_wrong_is_a_failure(machine: FakeMachine, wanted: TimeSync, offset: str) -> None:
    machine.answer("chronyc", tracking(offset=offset))
    with pytest.raises(Failed, match=r"waited 60 s for the clock to be right \(within 0.5 s\)") as failed:
        time_sync.check(machine, wanted)
    assert "`chronyc makestep` sets it at once" in str(failed.value)


def test_a_clock_that_is_corrected_in_time(machine: FakeMachine) -> None:
    machine.answer("chronyc", tracking(offset="2.5"))
    machine.clock.after(30, lambda: machine.answer("chronyc", tracking(offset="-0.1")))
    time_sync.check(machine, SET)
    assert "the clock is 100.0 ms off 192.0.2.123" in machine.said
