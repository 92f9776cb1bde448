"""A member that works changes in its turn, and not before everybody else is well."""

from pathlib import Path

import pytest

from agent.etcd.membership import UNIT, UNIT_FILE, ThisMember
from agent.etcd.membership_changes import Turn
from agent.etcd.rolling_restart import (
    READ_AT_START,
    Versions,
    adopt_restart_note,
    change_in_turn,
    check_well,
    give_lead_away,
    member_changes,
    refuse_half_upgraded,
    refuse_jump,
    runs_here,
    snapshot_before_upgrade,
)
from agent.etcd_api import EtcdError
from agent.machine import Failed, NotYet
from agent.programs import Ended
from agent.system import services
from tests.unit.agent.etcd.world import (
    FakeMaintenance,
    Snapshots,
    World,
    give_data,
    machine_of,
    make_world,
    this_member,
)

VERSIONS = Versions("3.6.5", "1.34.2")


@pytest.fixture
def world() -> World:
    world = make_world()
    world.cluster("etcd-0", "etcd-1", "etcd-2")
    return world


def running(world: World, folder: Path, *, outdated: bool = True) -> ThisMember:
    """A member with its files, of which one has changed since it started."""
    this = this_member(world, folder, had_cluster=True)
    give_data(this)
    for path in READ_AT_START:
        machine_of(this).write(path, "old")
    services.remember(this.machine, UNIT, services.fingerprint(this.machine, READ_AT_START))
    if outdated:
        machine_of(this).write(READ_AT_START[0], "new")
    return this


def change(this: ThisMember, maintenance: FakeMaintenance | None = None) -> None:
    with Turn(this) as turn:
        change_in_turn(this, turn, maintenance or FakeMaintenance(machine_of(this), ""), VERSIONS.etcd)


def calls(world: World) -> list[str]:
    return [call for call in world.calls if not call.startswith("lock")]


@pytest.mark.parametrize("installed", ["3.6.5", "3.6.4", "3.5.21"])
def test_ways_that_etcd_goes(installed: str) -> None:
    refuse_jump(installed, "3.6.5")


@pytest.mark.parametrize(
    ("installed", "text"),
    [
        ("3.6.6", "etcd does not go back here. Set etcd.version to 3.6.6"),
        ("3.10.0", "etcd does not go back here"),
        ("3.4.33", "that skips a minor version. Bring up the newest 3.5 first"),
    ],
)
def test_ways_that_etcd_does_not_go(installed: str, text: str) -> None:
    with pytest.raises(Failed, match=text):
        refuse_jump(installed, "3.6.5")


def test_who_waits_for_a_turn(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path)
    assert not runs_here(this)
    machine_of(this).write(UNIT_FILE)
    assert not runs_here(this)
    give_data(this)
    assert runs_here(this)


def test_nothing_to_change(world: World, tmp_path: Path) -> None:
    change(running(world, tmp_path, outdated=False))
    assert world.calls == []


def test_first_run_of_the_agent_restarts_nothing(world: World, tmp_path: Path) -> None:
    """The shell noted initial.env among what etcd reads, and the agent removes that file."""
    this = running(world, tmp_path, outdated=False)
    machine_of(this).write("/etc/etcd/initial.env", "ETCD_INITIAL_CLUSTER_STATE=new\n")
    paths = (READ_AT_START[0], "/etc/etcd/initial.env", *READ_AT_START[1:])
    services.remember(this.machine, UNIT, services.fingerprint(this.machine, paths))
    adopt_restart_note(this)
    assert member_changes(this, FakeMaintenance(machine_of(this), "")) == ""
    machine_of(this).write(READ_AT_START[0], "new")
    adopt_restart_note(this)
    assert member_changes(this, FakeMaintenance(machine_of(this), "")) == "what etcd reads when it starts"


def test_restart_in_turn(world: World, tmp_path: Path) -> None:
    this = running(world, tmp_path)
    maintenance = FakeMaintenance(machine_of(this), "etcd 3.6.5")
    change(this, maintenance)
    assert world.calls == ["lock https://10.0.0.2:2379 https://10.0.0.3:2379", "move a2", "unlock"]
    assert maintenance.calls == ["fetch", "change", "renew", "end_epoch"]
    assert machine_of(this).called("systemctl restart") == ["systemctl restart etcd.service"]
    assert world.leader == 0xA2
    assert "restart began: etcd 3.6.5, what etcd reads when it starts" in machine_of(this).said
    change(this)
    assert len(machine_of(this).called("systemctl restart")) == 1


def test_only_member(tmp_path: Path) -> None:
    world = make_world(("etcd-0",))
    world.cluster("etcd-0")
    this = running(world, tmp_path)
    change(this)
    assert world.calls == []
    assert "the API does without etcd while it restarts" in machine_of(this).said
    assert "the lead was not to be given away: there is nobody" in machine_of(this).said


@pytest.mark.parametrize("how", ["away", "learner"])
def test_another_member_is_not_well(world: World, tmp_path: Path, how: str) -> None:
    this = running(world, tmp_path)
    if how == "away":
        world.hosts["etcd-2"].etcd = False
    else:
        world.members = [member for member in world.members if member.name != "etcd-2"]
        world.add_entry(world.hosts["etcd-2"], 0xEE, is_learner=True, started=True)
    with pytest.raises(Failed, match="all members to be healthy, none is changed before"):
        change(this)
    assert 180 <= this.machine.elapsed < 182
    assert world.calls == [] and not machine_of(this).called("systemctl restart")


def test_another_member_fails_while_it_waits_for_its_turn(world: World, tmp_path: Path) -> None:
    this = running(world, tmp_path)
    world.lock_holder = "another"

    def free() -> None:
        world.lock_holder = ""
        world.hosts["etcd-1"].etcd = False

    world.clock.after(5, free)
    with pytest.raises(Failed, match="etcd-1 not healthy"):
        change(this)
    assert calls(world) == ["unlock"] and not machine_of(this).called("systemctl restart")


def test_turn_is_lost_while_packages_change(world: World, tmp_path: Path) -> None:
    this = running(world, tmp_path)
    maintenance = FakeMaintenance(machine_of(this), "etcd 3.6.5", lambda: setattr(world, "lock_lost", True))
    with pytest.raises(Failed, match="nothing more is changed"):
        change(this, maintenance)
    assert not machine_of(this).called("systemctl restart")


def test_members_before_have_not_gone_so_far(world: World, tmp_path: Path) -> None:
    this = running(world, tmp_path)
    world.version = "3.4.0"
    with pytest.raises(Failed, match=r"the cluster is at 3.4.0, and 3.6.5 skips a minor version"):
        change(this)
    assert not machine_of(this).called("systemctl restart")
    assert calls(world) == ["unlock"]


def test_version_of_the_cluster_is_not_known(tmp_path: Path) -> None:
    this = this_member(make_world(), tmp_path)
    with pytest.raises(Failed, match="cannot read the cluster's version"):
        refuse_half_upgraded(this, "3.6.5")


def test_lead_is_not_taken(world: World, tmp_path: Path) -> None:
    world.refusals["move"] = ["etcdserver: bad leader transferee"]
    this = this_member(world, tmp_path)
    give_lead_away(this)
    assert "the lead was not to be given away: etcdserver: bad leader transferee" in machine_of(this).said


def test_follower_has_no_lead_to_give(world: World, tmp_path: Path) -> None:
    give_lead_away(this_member(world, tmp_path, "etcd-1"))
    assert world.calls == []


def test_it_does_not_come_back_well(world: World, tmp_path: Path) -> None:
    this = running(world, tmp_path)
    world.applied[0xA0] = 50
    with pytest.raises(Failed, match=r"well after its change .*; last seen: it has applied 50 of 100"):
        change(this)
    assert 120 <= this.machine.elapsed < 122
    assert not world.lock_holder


def test_others_go_while_it_restarts(world: World, tmp_path: Path) -> None:
    this = running(world, tmp_path)

    def restart(words: tuple[str, ...], given: str) -> Ended:
        world.hosts["etcd-1"].etcd = world.hosts["etcd-2"].etcd = False
        return world.systemctl("etcd-0", words)

    machine_of(this).answer("systemctl restart", restart)
    with pytest.raises(Failed, match="waited 30 s for the other members to report their revision"):
        change(this)


def test_learner_is_not_well(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.members = [member for member in world.members if member.name != "etcd-0"]
    world.add_entry(world.hosts["etcd-0"], 0xEE, is_learner=True, started=True)
    this = this_member(world, tmp_path)
    monkeypatch.setattr(this, "check_works", lambda: None)
    with pytest.raises(NotYet, match="it is a learner"):
        check_well(this, 0)
    world.hosts["etcd-0"].etcd = False
    with pytest.raises(EtcdError, match="nobody answers"):
        check_well(this, 0)


# --- the snapshot before an upgrade


def test_snapshot_once_for_each_pair_of_versions(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path)
    for _ in range(2):
        snapshot_before_upgrade(this, VERSIONS, True, Snapshots(world))
    assert world.calls == ["snapshot upgrade 10.0.0.1"]
    snapshot_before_upgrade(this, Versions("3.6.5", "1.35.0"), True, Snapshots(world))
    assert len(world.calls) == 2
    assert "Kubernetes 1.34.2 with etcd 3.6.5 becomes Kubernetes 1.35.0 with etcd 3.6.5" in machine_of(this).said


def test_new_member_takes_none(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path)
    snapshot_before_upgrade(this, VERSIONS, False, Snapshots(world))
    assert world.calls == [] and (this.machine.state / "upgrade-target").exists()


def test_no_upgrade_without_a_snapshot(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path)
    with pytest.raises(Failed, match="nothing is upgraded without a snapshot; etcd serves as before: no room"):
        snapshot_before_upgrade(this, VERSIONS, True, Snapshots(world, "no room"))
    assert not (this.machine.state / "upgrade-target").exists()
