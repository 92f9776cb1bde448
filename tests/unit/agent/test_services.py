"""Services: started where they do not run, left alone with the same files, and interrupted runs made good."""

import hashlib
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system import services
from tests.unit.agent.fake_machine import FakeMachine, FakeSystemd

UNIT, CONF = "some.service", ("/etc/conf", "/etc/other")


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    machine = FakeMachine(tmp_path)
    machine.write("/etc/conf", "one\n")
    return machine


@pytest.fixture
def systemd(machine: FakeMachine) -> FakeSystemd:
    return FakeSystemd(machine)


def calls(systemd: FakeSystemd) -> str:
    said = ";".join(systemd.calls)
    systemd.calls.clear()
    return said


def test_apply(machine: FakeMachine, systemd: FakeSystemd) -> None:
    services.apply(machine, UNIT, "reload", CONF)
    assert calls(systemd) == f"enable {UNIT};reset-failed {UNIT};start {UNIT}"
    services.apply(machine, UNIT, "reload", CONF)
    assert calls(systemd) == ""
    machine.write("/etc/conf", "two\n")
    services.apply(machine, UNIT, "reload", CONF)
    assert calls(systemd) == f"reload-or-restart {UNIT}"
    # The run ended here; the next one finds the file as it must be.
    machine.write("/etc/conf", "three\n")
    services.apply(machine, UNIT, "restart", CONF, block=False)
    assert calls(systemd) == f"restart {UNIT}"
    assert machine.called("systemctl --no-block restart") == [f"systemctl --no-block restart {UNIT}"]
    assert machine.unit == UNIT
    assert machine.lines == [f"started {UNIT}", f"reload of {UNIT}", f"restart of {UNIT}"]


def test_what_it_runs_with_is_remembered_only_once_it_does(machine: FakeMachine, systemd: FakeSystemd) -> None:
    services.apply(machine, UNIT, "restart", CONF)
    machine.write("/etc/conf", "two\n")
    systemd.actions[f"restart {UNIT}"] = lambda: Ended(1, "", "it is broken")
    for _ in range(2):
        with pytest.raises(Failed, match="it is broken"):
            services.apply(machine, UNIT, "restart", CONF)
    del systemd.actions[f"restart {UNIT}"]
    calls(systemd)
    services.apply(machine, UNIT, "restart", CONF)
    assert calls(systemd) == f"restart {UNIT}"


def test_a_unit_that_cannot_be_enabled_or_started(machine: FakeMachine, systemd: FakeSystemd) -> None:
    systemd.actions[f"start {UNIT}"] = lambda: 1
    with pytest.raises(Failed, match=f"systemctl start {UNIT} failed"):
        services.apply(machine, UNIT, "reload", CONF)
    systemd.enabled.clear()
    systemd.actions[f"enable {UNIT}"] = lambda: 1
    with pytest.raises(Failed, match="enable"):
        services.apply(machine, UNIT, "reload", CONF)


def test_a_newer_unit_file_is_read(machine: FakeMachine, systemd: FakeSystemd) -> None:
    systemd.properties[UNIT, "NeedDaemonReload"] = "yes"
    services.apply(machine, UNIT, "reload", CONF)
    assert calls(systemd).startswith("daemon-reload;")


@pytest.mark.parametrize("state", ["activating", "reloading"])
def test_one_that_is_on_its_way_counts_as_running(machine: FakeMachine, systemd: FakeSystemd, state: str) -> None:
    systemd.states[UNIT] = state
    services.apply(machine, UNIT, "restart", CONF)
    assert calls(systemd) == f"enable {UNIT};restart {UNIT}"


def test_another_program_needs_a_restart(machine: FakeMachine, systemd: FakeSystemd) -> None:
    services.apply(machine, UNIT, "reload", CONF)
    systemd.properties[UNIT, "MainPID"] = "42"
    link = machine.path("/proc/42/exe")
    link.parent.mkdir(parents=True)
    link.symlink_to("/usr/bin/program")
    calls(systemd)
    assert not services.is_outdated(machine, UNIT, CONF)
    services.apply(machine, UNIT, "reload", CONF)
    assert calls(systemd) == ""
    link.unlink()
    link.symlink_to("/usr/bin/program (deleted)")
    assert services.is_outdated(machine, UNIT, CONF)
    services.apply(machine, UNIT, "reload", CONF)
    assert calls(systemd) == f"restart {UNIT}"


def test_is_outdated(machine: FakeMachine, systemd: FakeSystemd) -> None:
    # What does not run has nothing old.
    assert not services.is_outdated(machine, UNIT, CONF)
    systemd.states[UNIT] = "active"
    assert services.is_outdated(machine, UNIT, CONF)
    services.remember(machine, UNIT, services.fingerprint(machine, CONF))
    assert not services.is_outdated(machine, UNIT, CONF)
    machine.write("/etc/other", "")
    assert services.is_outdated(machine, UNIT, CONF)


def test_a_process_that_has_gone(machine: FakeMachine, systemd: FakeSystemd) -> None:
    systemd.properties[UNIT, "MainPID"] = "42"
    assert not services.runs_old_program(machine, UNIT)


def test_restart(machine: FakeMachine, systemd: FakeSystemd) -> None:
    services.restart(machine, UNIT, CONF)
    assert calls(systemd) == f"daemon-reload;reset-failed {UNIT};restart {UNIT}"
    assert not services.is_outdated(machine, UNIT, CONF)
    # Whether it is well is for the caller's probe.
    systemd.actions[f"restart {UNIT}"] = lambda: 1
    services.restart(machine, UNIT, CONF)
    assert f"systemctl restart {UNIT} ended with status 1" in machine.lines


def test_disable(machine: FakeMachine, systemd: FakeSystemd) -> None:
    systemd.states["one.service"] = "active"
    systemd.enabled.add("one.service")
    services.disable(machine, "one.service", "two.service")
    assert calls(systemd) == "disable one.service;stop one.service"
    assert machine.lines == ["disabled one.service", "stopped one.service"]


def test_nothing_is_stopped_while_an_image_is_baked(machine: FakeMachine, systemd: FakeSystemd) -> None:
    systemd.states["one.service"] = "active"
    machine.path("/run/systemd/system").rmdir()
    services.disable(machine, "one.service")
    assert calls(systemd) == ""


def test_the_fingerprint_is_the_one_of_the_release_before(machine: FakeMachine) -> None:
    """`printf '%s %s\\n' PATH "$(sha256sum <PATH)" | sha256sum`: else each machine restarted everything once."""

    def digest(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest() + "  -"

    wanted = digest(f"/etc/conf {digest('one' + chr(10))}\n/etc/other \n")
    assert services.fingerprint(machine, CONF) == wanted
