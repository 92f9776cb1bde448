"""apt: its complaints, its locks, its offers, and what was interrupted."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system.apt import Apt, complaints
from agent.system.service_starts import POLICY
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.fake_packages import entry

LOCKED = Ended(100, "", "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 9 (apt-get)\nE: No")


def commands(machine: FakeMachine) -> list[str]:
    return [" ".join(call[:2]) for call in machine.calls]


def test_the_sources_are_read_once_a_run_and_the_log_holds_one_run(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.answer("apt-get", "Hit:1 http://mirror\n")
    for _ in range(2):
        apt = Apt(machine)
        apt.read_sources()
        apt.read_sources()
        apt.install("jq", "jq")
    assert commands(machine) == ["apt-get update", "apt-get install"] * 2
    log = apt.log.read_text()
    assert log == "# apt-get update\nHit:1 http://mirror\n\n" + log[log.index("# apt-get install") :]
    assert machine.log_file is None


def test_sources_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.answer("apt-get", Ended(100, "Err:1 http://mirror stable\n  404", "W: one\nE: two"))
    apt = Apt(machine)
    with pytest.raises(Failed, match="the apt sources cannot be read: W: one E: two"):
        apt.read_sources()
    assert machine.log_file == apt.log
    assert "404" in apt.log.read_text()


def test_another_apt_is_waited_for(tmp_path: Path) -> None:
    """apt does not wait for the lock of its lists, and a new machine reads them by itself (apt-daily.service)."""
    machine = FakeMachine(tmp_path)
    answers = [LOCKED] * 50
    machine.answer("apt-get update", lambda words, given: answers.pop() if answers else "")
    Apt(machine).read_sources()
    assert any("waiting for another apt or dpkg on this machine to end" in line for line in machine.lines)


def test_an_apt_that_keeps_its_lock_ends_the_run(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.answer("apt-get update", LOCKED)
    with pytest.raises(Failed, match=r"waited 180 s for another apt or dpkg.*held by process 9"):
        Apt(machine).read_sources()


def test_what_cannot_be_installed_is_said_and_services_may_start_again(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.answer("apt-get", Ended(100, "", "E: one\nE: Unmet dependencies.\nE: held broken packages"))
    apt = Apt(machine)
    with pytest.raises(Failed, match=r"apt cannot install jq: E: Unmet dependencies\. E: held broken packages$"):
        apt.install("jq", "jq")
    assert machine.log_file == apt.log
    assert not machine.path(POLICY).exists()
    with pytest.raises(Failed, match="apt cannot upgrade: E: Unmet"):
        apt.upgrade()
    with pytest.raises(Failed, match="apt cannot download jq: E: Unmet"):
        apt.download("jq", "jq")
    assert apt.download_upgrade() == "E: held broken packages"


def test_only_what_sources_hold_is_an_offer(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    shown = (entry("curl", "8-1"), entry("curl", "7-2", offered=False), entry("curl", "7-1"), entry("libcurl", "9"))
    machine.answer("apt-cache", "\n".join(shown))
    apt = Apt(machine)
    assert apt.offers("curl") == ("8-1", "7-1")
    assert apt.newest_offer("curl", "7") == "7-1"
    assert apt.newest_offer("curl", "6") == ""


def test_an_apt_that_cannot_say_is_not_one_that_offers_nothing(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.answer("apt-cache", Ended(100, "", "E: No packages found"))
    assert Apt(machine).offers("curl") == ()
    machine.answer("apt-cache", Ended(100, "", "E: The package lists or status file could not be parsed"))
    with pytest.raises(Failed, match="apt cannot say what its sources offer of curl"):
        Apt(machine).offers("curl")


def test_a_change_that_was_interrupted_is_completed_first(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    journal = machine.path("/var/lib/dpkg/updates/0000")
    journal.parent.mkdir(parents=True)
    journal.touch()

    def configure(words: tuple[str, ...], given: str) -> str:
        assert "--force-confold" in words
        assert machine.path(POLICY).exists()
        journal.unlink()
        return ""

    machine.answer("dpkg --configure", configure)
    machine.answer("apt-get")
    Apt(machine).read_sources()
    assert commands(machine) == ["dpkg --configure", "apt-get update"]
    assert machine.lines == ["completed a change of packages that was interrupted"]


def test_a_change_that_somebody_else_is_making_is_theirs(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    journal = machine.path("/var/lib/dpkg/updates/0000")
    journal.parent.mkdir(parents=True)
    journal.touch()

    def configure(words: tuple[str, ...], given: str) -> Ended:
        journal.unlink()
        return Ended(2, "", "dpkg: error: dpkg frontend lock was locked by another process with pid 9")

    machine.answer("dpkg --configure", configure)
    machine.answer("apt-get")
    Apt(machine).read_sources()
    assert commands(machine) == ["dpkg --configure", "apt-get update"]
    assert machine.lines == []


def test_a_change_that_cannot_be_completed_ends_the_run(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.path("/var/lib/dpkg/updates").mkdir(parents=True)
    machine.path("/var/lib/dpkg/updates/0000").touch()
    machine.answer("dpkg --configure", Ended(1, "", "dpkg: error processing package x"))
    with pytest.raises(Failed, match=r"dpkg cannot complete a change of packages that was interrupted: .*package x"):
        Apt(machine).read_sources()
    assert not machine.path(POLICY).exists()


def test_a_download_leaves_nothing_behind(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)

    def download(words: tuple[str, ...], given: str) -> str:
        Path(words[3]).write_bytes(b"content")
        return ""

    helper = "/usr/lib/apt/apt-helper"
    machine.answer(helper, download)
    assert Apt(machine).fetch("http://files/x", "cannot fetch x", "ab") == b"content"
    assert machine.calls[-1][4] == "SHA256:ab"
    machine.answer(helper, "")
    with pytest.raises(Failed, match="cannot fetch x: exit status 0"):
        Apt(machine).fetch("http://files/x", "cannot fetch x")
    machine.answer(helper, Ended(100, "", "E: Failed to fetch http://files/x  404"))
    with pytest.raises(Failed, match="cannot fetch x: E: Failed to fetch"):
        Apt(machine).fetch("http://files/x", "cannot fetch x")
    assert list(machine.path("/run").iterdir()) == []


def test_complaints_have_no_secrets() -> None:
    assert complaints(Ended(1, "", f"E: {'a' * 64}")) == "E: <hidden>"
    assert complaints(Ended(124, "", "apt-get did not end within 600 s")) == "apt-get did not end within 600 s"
