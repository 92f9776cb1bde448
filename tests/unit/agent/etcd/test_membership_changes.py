"""A member joins, and members leave: etcd's refusals, lost answers, the lock, snapshots."""

from pathlib import Path

import pytest

from agent.etcd.membership import ThisMember
from agent.etcd.membership_changes import Turn, check_all_stay, join_cluster, leavers, let_leavers_go
from agent.etcd_api import EtcdError
from agent.machine import Failed, NotYet
from tests.unit.agent.etcd.world import (
    NOT_ENOUGH,
    UNHEALTHY,
    Snapshots,
    World,
    machine_of,
    make_world,
    this_member,
)

STAY = ("etcd-0", "etcd-1", "etcd-2")


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def larger() -> World:
    """Five members that run, of which the settings name three."""
    world = make_world((*STAY, "etcd-3", "etcd-4"))
    world.cluster("etcd-0", "etcd-1", "etcd-2", "etcd-3", "etcd-4")
    return world


def changes(world: World) -> list[str]:
    return [call for call in world.calls if not call.startswith(("lock", "unlock"))]


def join(this: ThisMember, snapshot_error: str = "") -> None:
    world = this.network.world  # type: ignore[attr-defined]
    peer = this.settings.peers[0]
    with Turn(this) as turn:
        members = join_cluster(this, turn, peer, Snapshots(world, snapshot_error))
        assert any(this.own.peer_url in member.peer_urls for member in members)
        # Until it votes nobody else changes the membership.
        assert world.lock_holder
    assert not world.lock_holder


# --- joining


def test_answers_are_lost(world: World, tmp_path: Path) -> None:
    """What was asked for has been done all the same, once."""
    world.cluster("etcd-0", "etcd-1", "etcd-2")
    world.hosts["etcd-0"].etcd = False
    world.lost_answers = {"remove": 1, "add": 1}
    join(this_member(world, tmp_path))
    assert changes(world) == ["snapshot membership 10.0.0.2", "remove a0", "add https://10.0.0.1:2380"]


def test_removal_is_refused_for_a_while(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-0", "etcd-1", "etcd-2")
    world.hosts["etcd-0"].etcd = False
    world.refusals["remove"] = [UNHEALTHY] * 5
    join(this_member(world, tmp_path))
    assert changes(world).count("remove a0") == 6


def test_removal_would_cost_the_majority(world: World, tmp_path: Path) -> None:
    """One of the two others is away as well."""
    world.cluster("etcd-0", "etcd-1")
    world.add_entry(world.hosts["etcd-2"], 0xEE, started=True)
    world.refusals["remove"] = [NOT_ENOUGH] * 1000
    this = this_member(world, tmp_path)
    with pytest.raises(Failed, match=r"etcd to let go of the old member a0; last seen: .*not enough started members"):
        join(this)
    assert 30 <= this.machine.elapsed < 32
    assert not world.lock_holder
    assert [member.id for member in world.members] == [0xA0, 0xA1, 0xEE]


def test_nobody_answers_while_it_removes(world: World, tmp_path: Path) -> None:
    """Whether it has been removed is not known, so it is not added either."""
    world.cluster("etcd-0", "etcd-1", "etcd-2")
    world.hosts["etcd-0"].etcd = False
    world.refusals["remove"] = ["broken"] * 1000
    this = this_member(world, tmp_path)
    real = world.change

    def change(kind: str, text: str) -> None:
        world.hosts["etcd-1"].on = world.hosts["etcd-2"].on = kind != "remove"
        real(kind, text)

    world.change = change  # type: ignore[method-assign]
    with pytest.raises(Failed, match="etcd to let go of the old member a0"):
        join(this)
    assert not any(call.startswith("add") for call in world.calls)


def test_another_member_is_away_and_comes_back(world: World, tmp_path: Path) -> None:
    """Between two attempts the others have their turn."""
    world.cluster("etcd-1", "etcd-2")
    world.add_entry(world.hosts["etcd-0"], 0xDD, started=True)
    world.hosts["etcd-2"].cut_off = True
    world.refusals["add"] = [UNHEALTHY] * 3
    join(this_member(world, tmp_path))
    assert world.calls.count("unlock") == 4
    assert any(member.is_learner for member in world.members)


def test_another_member_stays_away(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    world.refusals["add"] = [UNHEALTHY] * 10_000
    this = this_member(world, tmp_path)
    with pytest.raises(Failed, match=rf"not with --parallel 1; last seen: {UNHEALTHY}"):
        join(this)
    assert 240 <= this.machine.elapsed < 242


def test_etcd_takes_nobody_in_while_another_one_learns(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2", learner="etcd-2")
    with pytest.raises(Failed, match="too many learner members"):
        join(this_member(world, tmp_path))


def test_list_is_not_to_be_had_after_a_lost_answer(world: World, tmp_path: Path) -> None:
    """The next attempt finds out that it is listed."""
    world.cluster("etcd-1", "etcd-2")
    world.lost_answers = {"add": 1}
    real = world.answer

    def come_back() -> None:
        world.hosts["etcd-1"].on = world.hosts["etcd-2"].on = True

    def answer(kind: str) -> None:
        world.hosts["etcd-1"].on = world.hosts["etcd-2"].on = False
        world.clock.after(0.2, come_back)
        real(kind)

    world.answer = answer  # type: ignore[method-assign]
    this = this_member(world, tmp_path)
    with Turn(this) as turn:
        join_cluster(this, turn, this.settings.peers[0], Snapshots(world))
    assert changes(world).count("add https://10.0.0.1:2380") == 2
    assert len(world.members) == 3


def test_interrupted_after_it_was_added(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    world.add_entry(world.hosts["etcd-0"], 0xDD, is_learner=True)
    this = this_member(world, tmp_path)
    join(this)
    assert changes(world) == []
    assert "already listed as dd and never started: starting" in machine_of(this).said


def test_joins_without_a_snapshot(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    this = this_member(world, tmp_path)
    join(this, "the disk is full")
    assert "no snapshot was taken (the disk is full), the membership changes without one" in machine_of(this).said


# --- the lock


def test_waits_for_its_turn(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    world.lock_holder = "etcd-1"
    world.clock.after(60, lambda: setattr(world, "lock_holder", ""))
    this = this_member(world, tmp_path)
    join(this)
    assert "waited 60 s for another change of the membership" in machine_of(this).said


def test_lock_is_not_to_be_had(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    world.lock_holder = "etcd-1"
    this = this_member(world, tmp_path)
    with pytest.raises(Failed, match=r"openstack-paas/membership: etcd-1 holds it"):
        join(this)
    assert 500 <= this.machine.elapsed < 502
    assert changes(world) == []


def test_lock_is_refused(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    world.refusals["lock"] = ["etcdserver: permission denied"]
    this = this_member(world, tmp_path)
    with pytest.raises(Failed, match="permission denied"):
        join(this)
    assert this.machine.elapsed == 0


def test_lock_is_lost_before_a_change(world: World, tmp_path: Path) -> None:
    """The shell went on without it."""
    world.cluster("etcd-1", "etcd-2")
    world.lock_lost = True
    with pytest.raises(Failed, match="nothing more is changed, run it again: its lease has ended"):
        join(this_member(world, tmp_path))
    assert changes(world) == ["snapshot membership 10.0.0.2"]
    assert not world.lock_holder


def test_turn_is_held_once(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    this = this_member(world, tmp_path)
    turn = Turn(this)
    # Nothing is held, nothing is lost.
    turn.check()
    turn.release()
    turn.hold(*this.settings.peers)
    turn.hold(*this.settings.peers)
    turn.release()
    turn.release()
    assert world.calls == ["lock https://10.0.0.2:2379 https://10.0.0.3:2379", "unlock"]


# --- leaving


def leave(this: ThisMember, snapshot_error: str = "") -> None:
    world = this.network.world  # type: ignore[attr-defined]
    with Turn(this) as turn:
        let_leavers_go(this, turn, Snapshots(world, snapshot_error))


def test_nobody_leaves(world: World, tmp_path: Path) -> None:
    world.cluster(*STAY)
    leave(this_member(world, tmp_path))
    assert world.calls == []


def test_silent_members_leave_first_and_the_leader_hands_over(larger: World, tmp_path: Path) -> None:
    larger.hosts["etcd-4"].etcd = False
    larger.leader = 0xA3
    this = this_member(larger, tmp_path, named=STAY)
    assert [member.name for member in leavers(this)] == ["etcd-4", "etcd-3"]
    leave(this)
    assert changes(larger) == ["snapshot membership 10.0.0.1", "remove a4", "move a0", "remove a3"]
    assert [member.name for member in larger.members] == list(STAY)
    assert larger.leader == 0xA0
    assert not larger.lock_holder
    assert "etcd-3 (a3) is no longer a member" in machine_of(this).said


def test_leader_does_not_hand_over(larger: World, tmp_path: Path) -> None:
    larger.leader = 0xA4
    larger.refusals["move"] = ["etcdserver: bad leader transferee"]
    this = this_member(larger, tmp_path, named=STAY)
    leave(this)
    assert "etcd-4 did not hand over its lead: etcdserver: bad leader transferee" in machine_of(this).said
    assert len(larger.members) == 3


def test_one_that_never_started_leaves(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-0", "etcd-1")
    world.add_entry(world.hosts["etcd-2"], 0xEE, is_learner=True)
    this = this_member(world, tmp_path, named=("etcd-0", "etcd-1"))
    leave(this)
    assert changes(world)[-1] == "remove ee"


def test_one_that_stays_is_not_healthy(larger: World, tmp_path: Path) -> None:
    larger.hosts["etcd-2"].etcd = False
    this = this_member(larger, tmp_path, named=STAY)
    with pytest.raises(Failed, match=r"none leaves before; last seen: etcd-0 healthy, etcd-1 healthy, etcd-2 not heal"):
        leave(this)
    assert 180 <= this.machine.elapsed < 182
    assert larger.calls == []


def test_one_that_stays_fails_while_it_waits_for_its_turn(larger: World, tmp_path: Path) -> None:
    larger.lock_holder = "another"

    def free() -> None:
        larger.lock_holder = ""
        larger.hosts["etcd-1"].etcd = False

    larger.clock.after(10, free)
    with pytest.raises(Failed, match="etcd-3 does not leave while not all members that stay are healthy"):
        leave(this_member(larger, tmp_path, named=STAY))
    assert changes(larger) == []


def test_one_that_stays_is_no_voter(larger: World, tmp_path: Path) -> None:
    this = this_member(larger, tmp_path, named=(*STAY[:2], "etcd-3"))
    larger.members = [member for member in larger.members if member.name != "etcd-3"]
    with pytest.raises(NotYet, match=r"^etcd-0 healthy, etcd-1 healthy, etcd-3 no voter$"):
        check_all_stay(this)


def test_nobody_leaves_without_a_snapshot(larger: World, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="no member leaves without a snapshot: the disk is full"):
        leave(this_member(larger, tmp_path, named=STAY), "the disk is full")
    assert len(larger.members) == 5


def test_etcd_does_not_let_one_go(larger: World, tmp_path: Path) -> None:
    larger.refusals["remove"] = [UNHEALTHY] * 1000
    this = this_member(larger, tmp_path, named=STAY)
    with pytest.raises(Failed, match=rf"etcd to let go of etcd-3, .*are healthy\); last seen: {UNHEALTHY}"):
        leave(this)


def test_list_is_not_to_be_had(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path)
    with pytest.raises(Failed, match="waited 30 s for etcd's list of its members"):
        leave(this)
    with pytest.raises(EtcdError, match="nobody answers"):
        check_all_stay(this)


def test_etcd_does_not_answer_after_one_has_left(larger: World, tmp_path: Path) -> None:
    real = larger.answer

    def answer(kind: str) -> None:
        real(kind)
        for name in ("etcd-1", "etcd-2", "etcd-4"):
            larger.hosts[name].etcd = False

    larger.answer = answer  # type: ignore[method-assign]
    with pytest.raises(Failed, match="waited 60 s for etcd to answer without etcd-3"):
        leave(this_member(larger, tmp_path, named=STAY))
