"""How a member decides to start: every branch, and what it leaves on the machine."""

import subprocess
from pathlib import Path

import pytest

from agent.etcd.membership import Peers, Place, Says, ThisMember
from agent.etcd.membership_changes import Turn
from agent.etcd.start import INITIAL, PERMISSION, decide_start, end_first_start, guard
from agent.machine import Failed
from tests.unit.agent.etcd.world import (
    UNHEALTHY,
    Snapshots,
    World,
    give_data,
    machine_of,
    make_world,
    settings_of,
    this_member,
)

TODAY = "2026-11-21"
ALL = "etcd-0=https://10.0.0.1:2380,etcd-1=https://10.0.0.2:2380,etcd-2=https://10.0.0.3:2380"


@pytest.fixture
def world() -> World:
    return make_world()


def decide(this: ThisMember) -> str:
    """Returns the state of initial.env: nothing where it starts with its data."""
    world = this.network.world  # type: ignore[attr-defined]
    with Turn(this) as turn:
        decide_start(this, turn, Snapshots(world))
    return initial(this)[0]


def initial(this: ThisMember) -> tuple[str, str]:
    """The state and the members of initial.env; both need the permission beside them."""
    assert this.machine.path(PERMISSION).exists() == this.machine.path(INITIAL).exists()
    if not this.machine.path(INITIAL).exists():
        return "", ""
    words = dict(line.split("=", 1) for line in this.machine.path(INITIAL).read_text().splitlines())
    return words["ETCD_INITIAL_CLUSTER_STATE"], words["ETCD_INITIAL_CLUSTER"]


def refused(this: ThisMember, text: str) -> str:
    """It refuses with that text, and permits nothing."""
    this.machine.path(PERMISSION).parent.mkdir(parents=True, exist_ok=True)
    this.machine.path(PERMISSION).write_text("of a run before")
    this.machine.path(INITIAL).parent.mkdir(parents=True, exist_ok=True)
    this.machine.path(INITIAL).write_text("of a run before")
    with pytest.raises(Failed) as failed:
        decide(this)
    assert text in str(failed.value)
    assert initial(this) == ("", "")
    return str(failed.value)


def forming(world: World, *names: str) -> None:
    """These members run, and there has never been a majority."""
    for number, name in enumerate(("etcd-0", "etcd-1", "etcd-2")):
        world.add_entry(world.hosts[name], 0xA0 + number)
    for name in names:
        world.hosts[name].etcd = True


def broken(world: World, name: str) -> None:
    """That member is one of an old cluster without a majority."""
    for number, other in enumerate(("etcd-0", "etcd-1", "etcd-2")):
        world.add_entry(world.hosts[other], 0xA0 + number, started=True)
    world.hosts[name].etcd = True


# --- a new cluster


def test_nobody_runs(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path)
    assert decide(this) == "new"
    assert initial(this) == ("new", ALL)
    assert this.machine.elapsed == 0


def test_a_peer_forms(world: World, tmp_path: Path) -> None:
    world.hosts["etcd-2"].on = False
    forming(world, "etcd-1")
    this = this_member(world, tmp_path)
    assert decide(this) == "new"
    assert initial(this) == ("new", ALL)


def test_machines_of_the_peers_boot(world: World, tmp_path: Path) -> None:
    """They are there before this step, by the program; their systems come up meanwhile."""
    world.hosts["etcd-1"].on = world.hosts["etcd-2"].on = False
    this = this_member(world, tmp_path)
    for name in ("etcd-1", "etcd-2"):
        world.clock.after(50, lambda name=name: setattr(world.hosts[name], "on", True))
    assert decide(this) == "new"
    assert 50 <= this.machine.elapsed < 52


def test_first_up_failed_half_way_and_the_members_are_silent(world: World, tmp_path: Path) -> None:
    """The program knows of no etcd yet, and two new machines would outvote the silent one."""
    world.hosts["etcd-2"].on = False
    this = this_member(world, tmp_path)
    refused(this, "not every peer says whether a cluster exists (peers: etcd-1 idle, etcd-2 silent)")
    assert 240 <= this.machine.elapsed < 242


def test_only_member(tmp_path: Path) -> None:
    world = make_world(("etcd-0",))
    this = this_member(world, tmp_path)
    assert decide(this) == "new"
    assert initial(this) == ("new", "etcd-0=https://10.0.0.1:2380")


def test_no_control_planes_are_planned(world: World, tmp_path: Path) -> None:
    for name in ("plane-21", "plane-22"):
        del world.hosts[name]
    assert decide(this_member(world, tmp_path)) == "new"


def test_kubelets_serve(world: World, tmp_path: Path) -> None:
    world.hosts["plane-22"].on = world.hosts["plane-22"].kubelet = True
    text = refused(this_member(world, tmp_path), "10.0.0.22 belong to a cluster (kubelets serve there)")
    assert "10.0.0.21" not in text


# --- the stack has had an etcd (the hole: the shell formed a new cluster in all of these)


def test_idle_peers_and_silent_control_planes_after_a_cluster(world: World, tmp_path: Path) -> None:
    """A zone is lost with the control planes, whose kubelets come back later."""
    this = this_member(world, tmp_path, had_cluster=True)
    text = refused(this, "this stack has had an etcd")
    assert "etcd-1 idle, etcd-2 idle" in text and f"set etcd.startEmpty to today's date (UTC): {TODAY}" in text
    assert 90 <= this.machine.elapsed < 92


def test_only_member_after_a_cluster(tmp_path: Path) -> None:
    this = this_member(make_world(("etcd-0",)), tmp_path, had_cluster=True)
    assert "(peers: there are no peers)" in refused(this, "this stack has had an etcd")


def test_forming_peer_after_a_cluster(world: World, tmp_path: Path) -> None:
    """One whose data vanished under systemd, before the unit had a guard."""
    forming(world, "etcd-1")
    refused(this_member(world, tmp_path, had_cluster=True), "this stack has had an etcd")


@pytest.mark.parametrize("day", ["2026-11-20", "2026-11-22", "today"])
def test_another_day(world: World, tmp_path: Path, day: str) -> None:
    text = refused(this_member(world, tmp_path, had_cluster=True, start_empty=day), "this stack has had an etcd")
    assert f"{TODAY}; it is {day}" in text


def test_an_empty_etcd_is_wanted_today(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path, had_cluster=True, start_empty=TODAY)
    this.mark.touch()
    assert decide(this) == "new"
    assert initial(this) == ("new", ALL)
    assert "takes the place of the one" in machine_of(this).said


def test_wanted_today_and_a_peer_is_silent(world: World, tmp_path: Path) -> None:
    world.hosts["etcd-2"].on = False
    this = this_member(world, tmp_path, had_cluster=True, start_empty=TODAY)
    refused(this, "not every peer says whether a cluster exists (peers: etcd-1 idle, etcd-2 silent)")
    assert 240 <= this.machine.elapsed < 242


def test_wanted_today_and_a_peer_starts(world: World, tmp_path: Path) -> None:
    world.hosts["etcd-1"].etcd, world.hosts["etcd-1"].tls = True, False
    this = this_member(world, tmp_path, had_cluster=True, start_empty=TODAY)
    refused(this, "peers: etcd-1 starting, etcd-2 idle")


def test_wanted_today_and_kubelets_serve(world: World, tmp_path: Path) -> None:
    world.hosts["plane-21"].on = world.hosts["plane-21"].kubelet = True
    refused(this_member(world, tmp_path, had_cluster=True, start_empty=TODAY), "kubelets serve there")


def test_wanted_today_and_there_is_a_cluster(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    assert decide(this_member(world, tmp_path, had_cluster=True, start_empty=TODAY)) == "existing"


def test_wanted_today_and_a_cluster_without_majority(world: World, tmp_path: Path) -> None:
    broken(world, "etcd-1")
    refused(this_member(world, tmp_path, had_cluster=True, start_empty=TODAY), "has no majority")


# --- this machine was a member


def test_was_a_member_and_has_no_data(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path)
    this.mark.touch()
    refused(this, "this machine was a member of the cluster 'sample'")
    assert 90 <= this.machine.elapsed < 92


def test_was_a_member_and_an_empty_one_is_wanted_with_a_silent_peer(world: World, tmp_path: Path) -> None:
    """The mark says that there was a cluster, whatever the program knows."""
    world.hosts["etcd-2"].on = False
    this = this_member(world, tmp_path, start_empty=TODAY)
    this.mark.touch()
    refused(this, "not every peer says")


@pytest.mark.parametrize("had_cluster", [True, False])
@pytest.mark.parametrize("silent", [True, False])
def test_cluster_without_majority(world: World, tmp_path: Path, had_cluster: bool, silent: bool) -> None:
    broken(world, "etcd-2")
    world.hosts["etcd-1"].on = not silent
    this = this_member(world, tmp_path, had_cluster=had_cluster)
    assert "cluster of 10.0.0.3 has no majority" in refused(this, "nothing can be changed in it")
    assert 90 <= this.machine.elapsed < 92


def test_cluster_elects_meanwhile(world: World, tmp_path: Path) -> None:
    """The majority comes back while this machine waits."""
    broken(world, "etcd-2")
    this = this_member(world, tmp_path, had_cluster=True)
    world.clock.after(30, lambda: setattr(world.hosts["etcd-1"], "etcd", True))
    assert decide(this) == "existing"
    assert world.clock.monotonic() < 40
    assert any("waiting for the peers" in line for line in machine_of(this).lines)


# --- into a living cluster


def test_growth(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    this = this_member(world, tmp_path, had_cluster=True)
    assert decide(this) == "existing"
    assert initial(this) == (
        "existing",
        "etcd-1=https://10.0.0.2:2380,etcd-2=https://10.0.0.3:2380,etcd-0=https://10.0.0.1:2380",
    )
    assert "add https://10.0.0.1:2380" in world.calls
    assert "snapshot membership 10.0.0.2" in world.calls


def test_member_that_never_started_has_its_number_for_a_name(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1")
    world.add_entry(world.hosts["etcd-0"], 0xDD, is_learner=True)
    world.add_entry(world.hosts["etcd-2"], 0xEE, is_learner=True)
    this = this_member(world, tmp_path, had_cluster=True)
    assert decide(this) == "existing"
    members = "etcd-1=https://10.0.0.2:2380,etcd-0=https://10.0.0.1:2380,ee=https://10.0.0.3:2380"
    assert initial(this)[1] == members


def test_lost_data(world: World, tmp_path: Path) -> None:
    """The old entry goes first."""
    world.cluster("etcd-0", "etcd-1", "etcd-2")
    world.hosts["etcd-0"].etcd = False
    this = this_member(world, tmp_path, had_cluster=True)
    this.mark.touch()
    assert decide(this) == "existing"
    changes = [call for call in world.calls if not call.startswith(("lock", "unlock"))]
    assert changes == ["snapshot membership 10.0.0.2", "remove a0", "add https://10.0.0.1:2380"]


def test_join_is_refused(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    world.refusals["add"] = [UNHEALTHY] * 10_000
    this = this_member(world, tmp_path, had_cluster=True)
    refused(this, UNHEALTHY)
    assert world.lock_holder == ""


# --- with data


@pytest.mark.parametrize("peers", ["silent", "idle", "cluster"])
def test_own_data(world: World, tmp_path: Path, peers: str) -> None:
    """It just starts; what a first start needs is not there any more."""
    if peers == "cluster":
        world.cluster("etcd-0", "etcd-1", "etcd-2")
        world.hosts["etcd-0"].etcd = False
    world.hosts["etcd-1"].on = world.hosts["etcd-2"].on = peers != "silent"
    this = this_member(world, tmp_path, had_cluster=True)
    give_data(this)
    this.machine.path(INITIAL).parent.mkdir(parents=True)
    this.machine.path(INITIAL).write_text("ETCD_INITIAL_CLUSTER_STATE=new\n")
    assert decide(this) == ""
    assert initial(this) == ("", "")
    assert world.calls == []


def test_data_of_a_member_that_was_let_go(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-1", "etcd-2")
    this = this_member(world, tmp_path, had_cluster=True)
    give_data(this)
    assert decide(this) == "existing"
    assert (this.data / "aside-left-20261121T120000Z/member/wal/0.wal").exists()
    assert not (this.data / "member").exists()
    assert ("systemctl", "stop", "etcd.service") in machine_of(this).calls


def test_own_data_and_the_list_cannot_be_read(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers: that is not the same as not being listed."""
    world.cluster("etcd-1", "etcd-2")
    this = this_member(world, tmp_path, had_cluster=True)
    give_data(this)
    place = Place("etcd-1", "10.0.0.2")
    monkeypatch.setattr(this, "ask_peers", lambda: Peers({place: Says.CLUSTER}))
    world.hosts["etcd-1"].cut_off = True
    assert decide(this) == ""
    assert this.has_data()


# --- the unit's own guard


def guard_says(folder: Path) -> int:
    """The exit status of the unit's condition on a machine whose root is that folder."""
    line = next(line for line in guard("sample").splitlines() if line.startswith("ExecCondition="))
    program, option, script = line.removeprefix("ExecCondition=+").split(" ", 2)
    script = script.strip("'")
    for path in ("/var/lib/etcd", "/run/"):
        script = script.replace(path, f"{folder}{path}")
    return subprocess.run([program, option, script], check=False, timeout=20).returncode


def test_unit_starts_with_a_log_or_by_a_permission(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path)
    assert guard_says(this.machine.root) == 1
    decide(this)
    assert guard_says(this.machine.root) == 0
    end_first_start(this)
    assert guard_says(this.machine.root) == 1
    give_data(this)
    assert guard_says(this.machine.root) == 0


def test_data_vanishes_under_systemd(world: World, tmp_path: Path) -> None:
    """The shell's unit read the initial.env of its first start, and began an empty cluster."""
    this = this_member(make_world(("etcd-0",)), tmp_path)
    world = this.network.world  # type: ignore[attr-defined]
    decide(this)
    world.start("etcd-0")
    assert world.hosts["etcd-0"].etcd
    (this.data / "member/wal/0.wal").unlink()
    world.hosts["etcd-0"].etcd = False
    world.start("etcd-0")
    assert not world.hosts["etcd-0"].etcd


def test_settings_name_this_member(world: World) -> None:
    settings = settings_of(world, "etcd-1")
    assert settings.own.address == "10.0.0.2" and len(settings.peers) == 2
