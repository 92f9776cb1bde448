"""Stages of a rotation: none begins before all have gone through the one before."""

from pathlib import Path

import pytest

from agent.etcd import authorities
from agent.etcd.authorities import guard_authorities, record_authorities
from agent.etcd.membership import ThisMember
from agent.etcd.network import PKI
from agent.machine import Failed, Machine
from tests.unit.agent.etcd.world import World, machine_of, make_world, this_member

RECORDS = "openstack-paas/authorities"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A cluster. Certificates are the word for who issued them, authorities are words."""

    def issuer_first(machine: Machine, leaf: Path, trusted: Path) -> tuple[str, ...]:
        issuing = leaf.read_text()
        return (issuing, *(one for one in trusted.read_text().split() if one != issuing))

    monkeypatch.setattr(authorities, "issuer_first", issuer_first)
    world = make_world()
    world.cluster("etcd-0", "etcd-1", "etcd-2")
    return world


def member(world: World, folder: Path, issuing: str, trusted: str) -> ThisMember:
    """It runs with these."""
    this = this_member(world, folder)
    machine_of(this).write(f"{PKI}/server.crt", issuing)
    machine_of(this).write(f"{PKI}/ca.crt", trusted)
    return this


def recorded(world: World, **who: str) -> None:
    for name, line in who.items():
        kind = "etcd" if name.startswith("etcd") else "api"
        world.keys[f"{RECORDS}/{kind}/{name.replace('_', '-')}"] = line.encode()


def everybody(world: World, line: str) -> None:
    recorded(world, etcd_0=line, etcd_1=line, etcd_2=line, plane_0=line)


def test_nothing_changes(world: World, tmp_path: Path) -> None:
    world.hosts["etcd-0"].on = False
    guard_authorities(member(world, tmp_path, "one", "one"), "one", "one", "1")


def test_new_machine_has_none(world: World, tmp_path: Path) -> None:
    guard_authorities(this_member(world, tmp_path), "one", "one", "1")


def test_certificate_is_empty_after_a_power_cut(world: World, tmp_path: Path) -> None:
    """The shell found no authority that had issued it, again and again."""
    this = member(world, tmp_path, "", "one")
    guard_authorities(this, "one", "one", "1")
    assert "server.crt is empty" in machine_of(this).said


def test_one_more_is_trusted(world: World, tmp_path: Path) -> None:
    """The first stage asks nobody, so it also heals records that are missing."""
    world.hosts["etcd-0"].on = False
    guard_authorities(member(world, tmp_path, "one", "one"), "one", "one two", "1")


@pytest.mark.parametrize(("issuing", "trusted"), [("two", "one two"), ("two", "two")])
def test_stage_is_skipped(world: World, tmp_path: Path, issuing: str, trusted: str) -> None:
    with pytest.raises(Failed, match="generation 2"):
        guard_authorities(member(world, tmp_path, "one", "one"), issuing, trusted, "2")


def test_issuing_one_is_to_be_dropped(world: World, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="issued this machine's certificates"):
        guard_authorities(member(world, tmp_path, "one", "one two"), "two", "two", "2")


def test_another_one_issues_when_all_trust_it(world: World, tmp_path: Path) -> None:
    everybody(world, "one one two")
    guard_authorities(member(world, tmp_path, "one", "one two"), "two", "one two", "2")


@pytest.mark.parametrize(
    ("who", "line", "text"),
    [
        ("etcd_1", "one one", "etcd/etcd-1 do not trust the authorities of generation 2 yet"),
        ("etcd_1", "", "etcd/etcd-1 do not trust"),
        ("plane_0", "one one", "api/plane-0 do not trust"),
    ],
)
def test_somebody_does_not_trust_the_one_that_is_to_issue(
    world: World, tmp_path: Path, who: str, line: str, text: str
) -> None:
    everybody(world, "one one two")
    recorded(world, **{who: line})
    with pytest.raises(Failed, match=text):
        guard_authorities(member(world, tmp_path, "one", "one two"), "two", "one two", "2")


def test_no_api_server_has_recorded_anything(world: World, tmp_path: Path) -> None:
    everybody(world, "one one two")
    del world.keys[f"{RECORDS}/api/plane-0"]
    with pytest.raises(Failed, match=r"api/\(any\) do not trust .*etcdctl del openstack-paas/authorities/NAME"):
        guard_authorities(member(world, tmp_path, "one", "one two"), "two", "one two", "2")


def test_former_members_do_not_matter(world: World, tmp_path: Path) -> None:
    everybody(world, "one one two")
    recorded(world, etcd_9="one one")
    guard_authorities(member(world, tmp_path, "one", "one two"), "two", "one two", "2")


def test_old_one_goes_when_nobody_has_a_certificate_of_it(world: World, tmp_path: Path) -> None:
    everybody(world, "two two one")
    this = member(world, tmp_path, "two", "one two")
    guard_authorities(this, "two", "two", "2")
    recorded(world, etcd_2="one one two")
    with pytest.raises(Failed, match="etcd/etcd-2 still have certificates"):
        guard_authorities(this, "two", "two", "2")
    del world.keys[f"{RECORDS}/etcd/etcd-2"]
    with pytest.raises(Failed, match="etcd/etcd-2 still have certificates"):
        guard_authorities(this, "two", "two", "2")


def test_etcd_does_not_answer(world: World, tmp_path: Path) -> None:
    """Nobody answers: that is not the same as no records."""
    world.hosts["etcd-0"].on = False
    with pytest.raises(Failed, match="cannot read from etcd which authorities"):
        guard_authorities(member(world, tmp_path, "one", "one two"), "two", "one two", "2")


def test_record(world: World, tmp_path: Path) -> None:
    this = member(world, tmp_path, "two", "one two")
    record_authorities(this)
    assert world.keys[f"{RECORDS}/etcd/etcd-0"] == b"two two one"
    world.hosts["etcd-0"].on = False
    with pytest.raises(Failed, match="cannot write down which authorities it trusts"):
        record_authorities(this)
