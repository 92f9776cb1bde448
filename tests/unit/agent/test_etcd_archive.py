"""etcd's release archive: only with the SHA-256 that is known, and never what lies about."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.system import etcd_archive
from agent.system.apt import Apt
from agent.system.etcd_archive import EtcdArchive
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.fake_packages import ETCD_PROGRAMS, OTHER_DIGEST, archives, digest, etcd_machine, make_archive


def downloads(machine: FakeMachine) -> list[str]:
    return [call[2] for call in machine.calls if call[1] == "download-file"]


@pytest.mark.parametrize(
    "known",
    [
        (EtcdArchive("amd64", OTHER_DIGEST, "http://files/amd64"),),
        (EtcdArchive("arm64", "", "http://files/arm64"),),
        (EtcdArchive("arm64", f"{OTHER_DIGEST}\n", "http://files/arm64"),),
        (EtcdArchive("arm64", OTHER_DIGEST[1:], "http://files/arm64"),),
    ],
)
def test_without_a_digest_nothing_is_fetched(tmp_path: Path, known: tuple[EtcdArchive, ...]) -> None:
    machine = etcd_machine(tmp_path, make_archive())
    said = r"no apt source offers etcd 3\.7\.3, and the SHA-256 of its archive for arm64 is not known: set etcd\.sha256"
    with pytest.raises(Failed, match=said):
        etcd_archive.fetch(machine, "3.7.3", known, Apt(machine))
    assert downloads(machine) == []


def test_another_digest_is_refused_whoever_compared_it(tmp_path: Path) -> None:
    machine = etcd_machine(tmp_path, make_archive())
    with pytest.raises(Failed, match=f"cannot fetch http://files/arm64, or its SHA-256 is not {OTHER_DIGEST}: it is "):
        etcd_archive.fetch(machine, "3.7.3", archives(OTHER_DIGEST), Apt(machine))
    assert not list(machine.state.glob("etcd-*"))


def test_it_is_fetched_once_and_never_by_halves(tmp_path: Path) -> None:
    content = make_archive()
    machine = etcd_machine(tmp_path, content)
    machine.state.mkdir(parents=True)
    (machine.state / "etcd-3.7.3.tar.gz").write_bytes(content[:9])
    for _ in range(2):
        path = etcd_archive.fetch(machine, "3.7.3", archives(digest(content)), Apt(machine))
        assert path.read_bytes() == content
    assert downloads(machine) == ["http://files/arm64"]
    assert etcd_archive.installed_version(machine) == ""


def test_its_programs_are_put_in_place_and_forgotten(tmp_path: Path) -> None:
    content = make_archive()
    machine = etcd_machine(tmp_path, content)
    etcd_archive.install(machine, "3.7.3", archives(digest(content)), Apt(machine))
    folder = machine.path(etcd_archive.LOCAL_PROGRAMS)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {name: name for name in ETCD_PROGRAMS}
    assert etcd_archive.installed_version(machine) == "3.7.3"
    assert [path.name for path in machine.state.iterdir()] == ["etcd-archive"]
    # An interrupted one leaves no mark, or one without its program.
    (folder / "etcd").chmod(0o644)
    assert etcd_archive.installed_version(machine) == ""
    for _ in range(2):
        etcd_archive.forget(machine)
        assert not list(folder.iterdir()) and not list(machine.state.iterdir())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (make_archive(("etcd", "etcdctl")), "does not hold etcdutl: is it a release archive of etcd"),
        (b"no archive", "cannot be unpacked"),
        (make_archive()[:-30], "cannot be unpacked"),
    ],
    ids=["lacks a program", "no archive", "cut off"],
)
def test_what_is_no_whole_archive_changes_nothing(tmp_path: Path, content: bytes, said: str) -> None:
    machine = etcd_machine(tmp_path, content)
    with pytest.raises(Failed, match=said):
        etcd_archive.install(machine, "3.7.3", archives(digest(content)), Apt(machine))
    assert not machine.path(etcd_archive.LOCAL_PROGRAMS).exists()
