"""The apt sources and their keys."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system.apt import Apt
from agent.system.apt_sources import AptSources, SigningKey, write_sources
from tests.unit.agent.fake_machine import FakeMachine

ARMORED = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
HELPER = "/usr/lib/apt/apt-helper"
LISTS = "/etc/apt/sources.list.d"


def serve(machine: FakeMachine, content: bytes) -> None:
    def download(words: tuple[str, ...], given: str) -> str:
        Path(words[3]).write_bytes(content)
        return ""

    machine.answer(HELPER, download)


def write(machine: FakeMachine, sources: AptSources) -> None:
    write_sources(machine, sources, Apt(machine))


def names(machine: FakeMachine) -> set[str]:
    return {path.name for path in machine.path("/etc/apt").rglob("*") if path.is_file()}


def test_our_debian_sources_take_the_place_of_the_machines(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.path(LISTS).mkdir(parents=True)
    machine.path("/etc/apt/sources.list").touch()
    for name in ("a.list", "debian.sources", "openstack-paas-debian.list", "old.disabled"):
        machine.path(f"{LISTS}/{name}").write_text("deb http://old x main\n")
    write(machine, AptSources(debian="deb http://debian x main\n", packages="deb http://packages /\n"))
    ours = {"openstack-paas-debian.list", "openstack-paas-packages.list"}
    assert names(machine) == ours | {"sources.list", "a.list.disabled", "debian.sources.disabled", "old.disabled"}
    assert machine.path(f"{LISTS}/openstack-paas-debian.list").read_text() == "deb http://debian x main\n"
    machine.lines.clear()
    write(machine, AptSources(packages="deb http://packages /\n"))
    assert "openstack-paas-debian.list" not in names(machine)
    assert len(machine.lines) == 1


def test_the_machines_sources_stay_where_we_have_none(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.path(LISTS).mkdir(parents=True)
    machine.path("/etc/apt/sources.list").write_text("deb http://own x main\n")
    write(machine, AptSources(packages="deb http://packages /\n"))
    assert names(machine) == {"sources.list", "openstack-paas-packages.list"}


@pytest.mark.parametrize(("suffix", "content"), [("asc", b"Comment\n" + ARMORED), ("gpg", b"\x99\x01\x0d")])
def test_a_key_is_fetched_once(tmp_path: Path, suffix: str, content: bytes) -> None:
    machine = FakeMachine(tmp_path)
    serve(machine, content)
    key = SigningKey(f"/etc/apt/keyrings/openstack-paas-1.{suffix}", "http://keys/1")
    machine.path("/etc/apt/keyrings").mkdir(parents=True)
    # What a power cut may leave.
    machine.path(key.path).touch()
    for _ in range(2):
        write(machine, AptSources(keys=(key,)))
    assert machine.path(key.path).read_bytes() == content
    assert machine.path(key.path).stat().st_mode & 0o777 == 0o644
    assert len(machine.calls) == 1


def test_a_key_that_cannot_be_fetched_ends_the_run(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.answer(HELPER, Ended(100, "", "E: 404"))
    key = SigningKey("/etc/apt/keyrings/1.asc", "http://keys/1")
    with pytest.raises(Failed, match="cannot fetch the signing key http://keys/1: E: 404"):
        write(machine, AptSources(keys=(key,)))


@pytest.mark.parametrize(("suffix", "content"), [("asc", b"<html>"), ("asc", b"\x99\x01"), ("gpg", ARMORED)])
def test_what_is_not_a_key_is_not_kept(tmp_path: Path, suffix: str, content: bytes) -> None:
    machine = FakeMachine(tmp_path)
    serve(machine, content)
    key = SigningKey(f"/etc/apt/keyrings/1.{suffix}", "http://keys/1")
    with pytest.raises(Failed, match="what http://keys/1 gives is not a signing key"):
        write(machine, AptSources(keys=(key,)))
    assert not machine.path(key.path).exists()
