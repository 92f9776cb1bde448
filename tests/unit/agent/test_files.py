"""Files: whole or not at all, written only where they differ, and what other people keep in them stays."""

import os
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system import files
from tests.unit.agent.fake_machine import FakeMachine

MINE = f"{os.geteuid()}:{os.getegid()}"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


def test_a_file_is_written_when_content_or_mode_differ(machine: FakeMachine) -> None:
    target = machine.path("/etc/sub/target")
    assert files.install(machine, "one", "/etc/sub/target")
    assert target.read_text() == "one" and target.stat().st_mode & 0o7777 == 0o644
    assert not files.install(machine, "one", "/etc/sub/target")
    assert files.install(machine, "one", "/etc/sub/target", 0o600)
    assert target.stat().st_mode & 0o7777 == 0o600
    assert files.install(machine, b"two", "/etc/sub/target", 0o600)
    assert machine.lines == ["wrote /etc/sub/target"] * 3
    assert names(target.parent) == ["target"]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
def test_a_file_of_somebody_elses_is_made_roots(machine: FakeMachine) -> None:
    target = machine.write("/etc/target", "one")
    os.chown(target, 12345, 12345)
    assert files.install(machine, "one", "/etc/target")
    assert (target.stat().st_uid, target.stat().st_gid) == (0, 0)
    assert files.install(machine, "one", "/etc/target", owner="12345:12346")
    assert (target.stat().st_uid, target.stat().st_gid) == (12345, 12346)
    assert not files.install(machine, "one", "/etc/target", owner="12345:12346")
    assert files.install(machine, "one", "/etc/target", owner="nobody:root")
    # Modes that a change of the owner takes away are there.
    assert files.install(machine, "one", "/etc/target", 0o4750, owner="12345:12346")
    assert target.stat().st_mode & 0o7777 == 0o4750


def test_an_owner_who_does_not_exist(machine: FakeMachine) -> None:
    with pytest.raises(Failed, match="there is no such user or group: nosuch:root"):
        files.install(machine, "one", "/etc/target", owner="nosuch:root")
    assert not machine.path("/etc/target").exists()


def test_a_check_that_refuses_keeps_the_old_file(machine: FakeMachine) -> None:
    target = machine.write("/etc/target", "one")
    seen: list[tuple[str, str]] = []

    def refuse(path: Path) -> Ended:
        seen.append((path.name, path.read_text()))
        return Ended(1, "line 3 is wrong")

    with pytest.raises(Failed, match=r"^/etc/target would not be valid, the old one stays: line 3 is wrong$"):
        files.install(machine, "two", "/etc/target", check=refuse)
    assert seen == [("target", "two")]
    assert target.read_text() == "one"
    assert names(target.parent) == ["target"]
    assert files.install(machine, "two", "/etc/target", check=lambda path: Ended(0))
    # What is there already is not asked about.
    assert not files.install(machine, "two", "/etc/target", check=refuse)


def test_a_link_is_replaced_by_a_file(machine: FakeMachine) -> None:
    other = machine.write("/etc/other", "one")
    machine.path("/etc/target").symlink_to(other)
    assert files.install(machine, "one", "/etc/target")
    assert not machine.path("/etc/target").is_symlink()
    files.install(machine, "two", "/etc/target")
    assert other.read_text() == "one"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = machine.write("/etc/target", "one")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        files.write(target, "two")
    assert target.read_text() == "one"
    assert names(target.parent) == ["target"]


def test_what_a_file_holds_is_on_the_disk_before_its_name_and_its_folders_are(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut an empty file, or none, would be in the place of the old one."""
    target = machine.path("/var/lib/new/folder/file")
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append("content" if path.name.startswith(".new.") else str(path))
        if synced[-1] == "content":
            assert not target.exists()
            assert path.read_text() == "one"
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    files.write(target, "one")
    root = str(machine.root)
    assert synced[-2:] == ["content", str(target.parent)]
    # The folders that were made are names in others.
    assert synced[:-2] == [root, f"{root}/var", f"{root}/var/lib", f"{root}/var/lib/new"]


def test_the_content_is_never_readable_by_more_than_in_the_end(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    files.write(machine.root / "key", "secret", 0o600)
    assert modes[0] == 0o600


def test_remove(machine: FakeMachine) -> None:
    machine.write("/etc/target", "one")
    assert files.remove(machine, "/etc/target")
    assert not files.remove(machine, "/etc/target")
    machine.path("/etc/target").symlink_to("nowhere")
    assert files.remove(machine, "/etc/target")
    assert machine.lines == ["removed /etc/target"] * 2
    assert not files.remove(machine, "/no/such/folder/file")


def test_install_or_remove(machine: FakeMachine) -> None:
    assert files.install_or_remove(machine, "one", "/etc/target")
    assert files.install_or_remove(machine, "", "/etc/target")
    assert not files.install_or_remove(machine, "", "/etc/target")
    assert not machine.path("/etc/target").exists()


def lines(path: Path) -> str:
    return ";".join(line for line in path.read_text().splitlines() if not line.startswith("#"))


def test_a_block_is_replaced_and_other_lines_stay(machine: FakeMachine) -> None:
    hosts = machine.write("/etc/hosts", "127.0.0.1 localhost", 0o640)
    for line in ("10.0.0.1 a\n", "10.0.0.2 b"):
        assert files.replace_block(machine, line, "/etc/hosts")
        assert not files.replace_block(machine, line, "/etc/hosts")
    assert hosts.read_text().count(files.MARK) == 2
    assert lines(hosts) == "127.0.0.1 localhost;10.0.0.2 b"
    assert hosts.stat().st_mode & 0o777 == 0o640
    hosts.write_text(hosts.read_text() + "10.0.0.3 c\n")
    assert files.replace_block(machine, "", "/etc/hosts")
    assert hosts.read_text() == "127.0.0.1 localhost\n10.0.0.3 c\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
def test_a_file_with_a_block_stays_its_owners(machine: FakeMachine) -> None:
    hosts = machine.write("/etc/hosts", "localhost\n")
    os.chown(hosts, 12345, 12346)
    files.replace_block(machine, "a\n", "/etc/hosts")
    assert (hosts.stat().st_uid, hosts.stat().st_gid) == (12345, 12346)


def test_no_block_makes_no_file(machine: FakeMachine) -> None:
    assert not files.replace_block(machine, "", "/etc/environment")
    assert not machine.path("/etc/environment").exists()
    assert files.replace_block(machine, "A=1\n", "/etc/environment")


@pytest.mark.parametrize(
    "old", [f"one\n# begin {files.MARK}\ntwo\n", f"one\n# end {files.MARK}\ntwo\n", f"one\ntwo\n# begin {files.MARK}"]
)
def test_half_a_block_costs_nobody_a_line(machine: FakeMachine, old: str) -> None:
    hosts = machine.write("/etc/hosts", old)
    for _ in range(3):
        files.replace_block(machine, "a\n", "/etc/hosts")
    assert lines(hosts) == "one;two;a"
    assert len(machine.lines) == 1


def test_half_a_block_before_a_whole_one(machine: FakeMachine) -> None:
    begin, end = f"# begin {files.MARK}\n", f"# end {files.MARK}\n"
    hosts = machine.write("/etc/hosts", f"{begin}one\n{begin}old\n{end}two\n")
    files.replace_block(machine, "a\n", "/etc/hosts")
    assert lines(hosts) == "one;two;a"


def test_bytes_that_are_not_text_stay(machine: FakeMachine) -> None:
    target = machine.path("/etc/environment")
    machine.write("/etc/environment").write_bytes(b"NAME=M\xfcller\n")
    files.replace_block(machine, "A=1\n", "/etc/environment")
    assert target.read_bytes().startswith(b"NAME=M\xfcller\n# begin")


def test_read(machine: FakeMachine) -> None:
    assert files.read(machine.path("/no/such/file")) == ""
    assert files.read(machine.write("/file", " word \n")) == "word"
    machine.path("/file").write_bytes(b"\xff")
    assert files.read(machine.path("/file")) != ""
