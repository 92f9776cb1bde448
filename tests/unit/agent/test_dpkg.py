"""What dpkg has installed."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system import dpkg
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.fake_packages import running_dpkg


def test_only_what_works_is_installed(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    lines = (
        "curl\tinstalled\tinstall\t7.88.1-1",
        "etcd\tconfig-files\tdeinstall\t3.6.5-1",
        "jq\thalf-configured\tinstall\t1",
    )
    pending = "kubelet\ttriggers-pending\thold\t1:1.34.1-1.1"
    machine.answer("dpkg-query", Ended(1, "\n".join((*lines, pending)), "no packages found matching nothing"))
    found = dpkg.find_installed(machine, ("curl", "etcd", "jq", "kubelet", "nothing"))
    assert found == {"curl": dpkg.Installed("7.88.1-1", False), "kubelet": dpkg.Installed("1:1.34.1-1.1", True)}
    assert dpkg.installed_upstream_version(machine, "kubelet") == "1.34.1"
    assert dpkg.installed_upstream_version(machine, "etcd") == ""


@pytest.mark.parametrize("status", [2, 124, 127])
def test_a_dpkg_that_cannot_say_is_not_one_that_has_nothing(tmp_path: Path, status: int) -> None:
    machine = FakeMachine(tmp_path)
    machine.answer("dpkg-query", Ended(status, "", "dpkg-query: error: parsing file '/var/lib/dpkg/status'"))
    with pytest.raises(Failed, match=r"dpkg cannot say what is installed: .*parsing file"):
        dpkg.find_installed(machine, ("haproxy",))


def test_nothing_is_asked_about_no_package(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    assert dpkg.find_installed(machine, ()) == {}
    dpkg.hold(machine, ())
    assert machine.calls == []


def test_a_hold_that_fails_is_said(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.answer("apt-mark", Ended(100, "", "E: dpkg is locked"))
    with pytest.raises(Failed, match="holding haproxy runc failed: E: dpkg is locked"):
        dpkg.hold(machine, ("haproxy", "runc"))


def test_the_journal_of_dpkg_shows_an_interrupted_change(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    assert not dpkg.was_interrupted(machine)
    folder = machine.path("/var/lib/dpkg/updates")
    folder.mkdir(parents=True)
    (folder / "tmp.i").touch()
    assert not dpkg.was_interrupted(machine)
    (folder / "0001").touch()
    assert dpkg.was_interrupted(machine)


def test_a_dpkg_that_runs_is_seen_by_its_lock(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    assert not dpkg.is_running(machine)
    with running_dpkg(machine):
        assert dpkg.is_running(machine)
    assert not dpkg.is_running(machine)
