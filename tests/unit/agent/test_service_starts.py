"""Packages start nothing while they are installed."""

import stat
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.system.service_starts import POLICY, allow_service_starts, no_service_starts
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.fake_packages import running_dpkg


def test_the_policy_stands_only_meanwhile(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    policy = machine.path(POLICY)
    with pytest.raises(Failed), no_service_starts(machine):
        assert stat.S_IMODE(policy.stat().st_mode) == 0o755
        assert policy.read_text().endswith("exit 101\n")
        raise Failed("stopped")
    assert not policy.exists()


def test_one_that_a_killed_run_left_goes(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    policy = machine.path(POLICY)
    policy.parent.mkdir(parents=True)
    policy.write_text("#!/bin/sh\n# openstack-paas: invoke-rc.d starts nothing\nexit 101\n")
    allow_service_starts(machine)
    assert not policy.exists()
    policy.write_text("#!/bin/sh\n# openstack-paas: of an earlier run\nexit 0\n")
    with no_service_starts(machine):
        assert "exit 101" in policy.read_text()
    assert not policy.exists()


def test_one_of_somebody_else_stays(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    policy = machine.path(POLICY)
    policy.parent.mkdir(parents=True)
    policy.write_text("#!/bin/sh\nexit 101\n")
    allow_service_starts(machine)
    with no_service_starts(machine):
        assert policy.read_text() == "#!/bin/sh\nexit 101\n"
    assert policy.exists()


def test_a_dpkg_that_outlives_its_apt_starts_nothing_either(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    policy = machine.path(POLICY)
    with running_dpkg(machine):
        with pytest.raises(Failed), no_service_starts(machine):
            raise Failed("stopped")
        assert policy.exists()
        assert machine.lines == ["dpkg still runs here: until the next run, packages start no services"]
        # Where apt has succeeded it is somebody else's dpkg.
        with no_service_starts(machine):
            pass
        assert not policy.exists()
