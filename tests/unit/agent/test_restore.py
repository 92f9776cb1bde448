"""A member's part of a restore, its repetitions, and everything that it refuses."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.etcd import restore
from agent.etcd.backup_record import Store
from agent.etcd.network import Network
from agent.etcd.restore import BUMP
from agent.etcd_api import NoAnswer, PortState
from agent.machine import Failed
from agent.programs import Ended
from agent.system import lock
from tests.unit.agent import etcd_samples as samples
from tests.unit.agent.etcd_samples import S3, SETTINGS
from tests.unit.agent.fake_etcd import FakeEtcd, FakeNetwork, FakeProcess
from tests.unit.agent.fake_machine import FakeMachine

ID = "20260102T030405Z"
NAME = "19700101T000140Z-r7-timer"
STOPPED = {"10.0.0.5": PortState.REFUSED, "10.0.0.6": PortState.REFUSED}


class Systemd:
    """etcd.service, which may not end by itself."""

    def __init__(self, state: str = "active", hangs: bool = False) -> None:
        self.state, self.hangs, self.enabled = state, hangs, True

    def __call__(self, words: tuple[str, ...], given: str) -> Ended:
        if words[1] == "is-active":
            return Ended(0 if self.state == "active" else 3, f"{self.state}\n")
        if words[1] == "disable":
            self.enabled = False
        elif words[1] == "kill":
            self.hangs = False
        elif words[1] == "stop":
            if self.hangs:
                return Ended(124)
            self.state = "inactive"
        return Ended(0)


def _plan(first: str = "etcd-0", gone: tuple[str, ...] = (), **source: Any) -> str:
    document = {"id": ID, "first": first, "what": "", "lost": "", "source": {"kind": "here", "name": NAME} | source}
    return json.dumps(document | ({"gone": gone} if gone else {}))


def _etcdutl(words: tuple[str, ...], given: str) -> Ended:
    """Makes data as the real one does, and remembers in it how."""
    folder = Path(words[words.index("--data-dir") + 1])
    assert not folder.exists()
    (folder / "member/snap").mkdir(parents=True)
    (folder / "member/snap/db").write_text(" ".join(words))
    return Ended(0)


def _copy(words: tuple[str, ...], given: str) -> Ended:
    source, target = Path(words[-2]), Path(words[-1])
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)
    return Ended(0)


@pytest.fixture
def systemd() -> Systemd:
    return Systemd()


@pytest.fixture
def machine(tmp_path: Path, systemd: Systemd) -> FakeMachine:
    made = samples.machine(tmp_path)
    made.answer("systemctl", systemd)
    made.answer("etcdutl snapshot restore", _etcdutl)
    for program in ("chown", "sync"):
        made.answer(program)
    made.answer("cp", _copy)
    made.write("/var/lib/etcd/member/wal/0.wal", "")
    made.write("/var/lib/etcd/member/snap/db", "the old data")
    made.write("/etc/etcd/initial.env", "ETCD_INITIAL_CLUSTER_STATE=new\n")
    samples.add(made, samples.describe(100, 7))
    return made


Run = Callable[..., Any]


@pytest.fixture
def run(machine: FakeMachine) -> Run:
    def run(word: str, given: str = "", reached: Network | None = None, settings: Any = SETTINGS) -> Any:
        return restore.run(machine, settings, word, given, reached or FakeNetwork([], FakeEtcd(), STOPPED))

    return run


def _look(run: Run, *members: FakeEtcd) -> dict[str, Any]:
    return run("look", reached=FakeNetwork(members))


def _data(machine: FakeMachine) -> str:
    return machine.path("/var/lib/etcd/member/snap/db").read_text()


def test_a_look_at_a_member_that_works(machine: FakeMachine, run: Run) -> None:
    member = FakeEtcd()
    member.set(errors=("alarm:NOSPACE",))
    assert _look(run, member) == {
        "member": "etcd-0", "etcd": "active", "healthy": True, "data": True, "revision": 7, "stage": "", "plan": None,
        "aside": [],
    }  # fmt: skip
    member.refuses["check_health"] = NoAnswer("no leader")
    assert (_look(run, member)["healthy"], _look(run, member)["revision"]) == (False, 7)


def test_a_look_at_a_stopped_member_reads_its_data(machine: FakeMachine, run: Run, systemd: Systemd) -> None:
    systemd.state = "inactive"
    machine.answer("etcdutl snapshot status", '{"revision": 41}')
    look = _look(run, FakeEtcd())
    assert (look["etcd"], look["healthy"], look["revision"]) == ("inactive", False, 41)
    assert machine.path("/var/lib/etcd/member/snap/db").read_text() == "the old data"
    status = next(call for call in machine.calls if call[:3] == ("etcdutl", "snapshot", "status"))
    assert ".scratch." in status[3], "etcdutl writes to what it reads"
    machine.answer("etcdutl snapshot status", samples.failing("damaged"))
    assert _look(run)["revision"] is None
    machine.answer("cp", samples.failing("No space left on device"))
    assert _look(run)["revision"] is None
    shutil.rmtree(machine.path("/var/lib/etcd/member"))
    assert (_look(run)["data"], _look(run)["revision"]) == (False, None)


def test_a_look_copies_no_data_to_a_full_disk(
    machine: FakeMachine, run: Run, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd.state = "inactive"
    monkeypatch.setattr("agent.etcd.restore_source.free_bytes", lambda folder: 1000)
    assert _look(run)["revision"] is None
    assert machine.said == "", "lines would be in the way of the JSON"
    assert not [call for call in machine.calls if call[0] == "cp"]


def test_a_snapshot_becomes_the_data_of_a_cluster_of_one(machine: FakeMachine, run: Run, systemd: Systemd) -> None:
    run("stop", _plan())
    assert (systemd.state, systemd.enabled) == ("inactive", False)
    run("snapshot")
    run("place")
    words = _data(machine)
    assert f"etcd-backup/{NAME}.db " in words
    assert "--name etcd-0 --initial-cluster etcd-0=https://10.0.0.4:2380" in words
    assert f"--initial-cluster-token paas-{ID} --bump-revision {BUMP} --mark-compacted" in words
    assert machine.path(f"/var/lib/etcd/aside-{ID}/member/snap/db").read_text() == "the old data"
    assert not machine.path("/etc/etcd/initial.env").exists()
    look = _look(run)
    assert (look["stage"], look["plan"]["id"], len(look["aside"])) == ("placed", ID, 1)
    run("finish")
    look = _look(run)
    assert (look["stage"], look["plan"], len(look["aside"])) == ("", None, 1), "the old data must be kept"
    assert not list(machine.path("/var/lib/etcd/member").glob("restored-*"))


def test_another_member_joins_with_nothing(machine: FakeMachine, run: Run) -> None:
    run("stop", _plan("etcd-1"))
    with pytest.raises(Failed, match="begins on etcd-1, and nowhere else"):
        run("place")
    run("empty")
    run("empty")
    assert not machine.path("/var/lib/etcd/member").exists()
    run("stop", _plan("etcd-1"))
    assert "this machine is past that: emptied" in machine.said
    with pytest.raises(Failed, match="has not been stopped"):
        run("place")


def test_the_first_member_is_not_emptied(machine: FakeMachine, run: Run) -> None:
    run("stop", _plan())
    with pytest.raises(Failed, match="begins here"):
        run("empty")


def test_a_member_that_does_not_end_is_killed(machine: FakeMachine, run: Run, systemd: Systemd) -> None:
    systemd.hangs = True
    run("stop", _plan())
    assert systemd.state == "inactive"
    assert ("systemctl", "kill", "--signal=KILL", "etcd.service") in machine.calls


@pytest.mark.parametrize("plan", ["", "[]", "{", json.dumps({"id": "x", "source": {"kind": "here"}}), '{"id": "1"}'])
def test_what_is_no_plan(machine: FakeMachine, run: Run, systemd: Systemd, plan: str) -> None:
    with pytest.raises(Failed, match="plan"):
        run("stop", plan)
    assert systemd.state == "active"


def test_two_restores_do_not_mix(run: Run) -> None:
    run("stop", _plan())
    with pytest.raises(Failed, match=f"the restore {ID} was begun here and has not ended"):
        run("stop", _plan().replace(ID, "20270102T030405Z"))


@pytest.mark.parametrize("word", ["snapshot", "place", "empty"])
def test_nothing_without_a_plan(run: Run, word: str) -> None:
    with pytest.raises(Failed, match=r"no restore has begun here|has not been stopped"):
        run(word)


def test_an_unknown_word(run: Run) -> None:
    with pytest.raises(Failed, match="or finish, not 'go'"):
        run("go")


def test_one_run_at_a_time(machine: FakeMachine, run: Run) -> None:
    with lock.hold(machine, lock.ONE_RUN, 0, "another run"), pytest.raises(Failed, match="another run is in progress"):
        run("stop", _plan())


def test_every_part_can_be_repeated(machine: FakeMachine, run: Run) -> None:
    for _ in range(2):
        run("stop", _plan())
    for _ in range(2):
        run("snapshot")
    machine.write(f"/var/lib/etcd/restore-{ID}/left", "by a run that was killed")
    run("place")
    before = machine.calls.copy()
    # As if killed after the data was in place and before that was noted.
    machine.write("/var/lib/openstack-paas/etcd-restore/stage", "stopped\n")
    run("place")
    run("place")
    assert [call for call in machine.calls[len(before) :] if call[0] == "etcdutl"] == []
    assert "--bump-revision" in _data(machine)
    assert len(_look(run)["aside"]) == 1


def test_killed_between_the_old_data_and_the_new(machine: FakeMachine, run: Run) -> None:
    run("stop", _plan())
    run("snapshot")
    machine.path(f"/var/lib/etcd/aside-{ID}").mkdir()
    machine.path("/var/lib/etcd/member").rename(machine.path(f"/var/lib/etcd/aside-{ID}/member"))
    run("place")
    assert "--bump-revision" in _data(machine)


def test_data_that_is_aside_is_not_overwritten(machine: FakeMachine, run: Run) -> None:
    run("stop", _plan())
    run("snapshot")
    machine.write(f"/var/lib/etcd/aside-{ID}/member/snap/db", "aside already")
    with pytest.raises(Failed, match="has data already"):
        run("place")
    assert _data(machine) == "the old data"


def test_a_snapshot_that_etcdutl_does_not_restore(machine: FakeMachine, run: Run) -> None:
    run("stop", _plan())
    run("snapshot")
    machine.answer("etcdutl snapshot restore", samples.failing("expected sha256"))
    with pytest.raises(Failed, match="could not restore it: expected sha256"):
        run("place")
    assert _data(machine) == "the old data"


def test_a_snapshot_that_is_not_there(run: Run) -> None:
    run("stop", _plan(name="19800101T000000Z-r1-timer"))
    with pytest.raises(Failed, match=r"there is no snapshot .*19800101T000000Z-r1-timer\.db"):
        run("snapshot")


def test_revisions_grow_also_when_an_older_snapshot_is_restored(machine: FakeMachine, run: Run) -> None:
    """The newest snapshot is known by its revision, and one from before an earlier restore would bring lower ones."""
    samples.add(machine, samples.describe(200, 5 * BUMP), samples.describe(300, 9 * BUMP, verified=False))
    run("stop", _plan())
    run("snapshot")
    run("place")
    assert f"--bump-revision {BUMP + 5 * BUMP - 7} " in _data(machine)


HEALTHY, OPEN, SILENT, REFUSED = "healthy", PortState.OPEN, PortState.SILENT, PortState.REFUSED
MAJORITIES: list[tuple[tuple[str | PortState, str | PortState], tuple[str, ...], str]] = [
    ((REFUSED, REFUSED), (), ""),
    ((REFUSED, SILENT), (), ""),
    ((REFUSED, OPEN), (), ""),
    ((SILENT, SILENT), ("etcd-1", "etcd-2"), ""),
    ((SILENT, SILENT), ("etcd-1",), ""),
    ((SILENT, SILENT), (), "etcd-1, etcd-2 are not known to be stopped"),
    ((OPEN, SILENT), (), "etcd-1, etcd-2 are not known to be stopped"),
    # Said to be gone, and there again.
    ((OPEN, OPEN), ("etcd-1", "etcd-2"), "etcd-1, etcd-2 are not known to be stopped"),
    ((HEALTHY, HEALTHY), ("etcd-1", "etcd-2"), "etcd-1 and etcd-2 serve with a majority of the old cluster"),
    ((HEALTHY, REFUSED), (), "etcd-1 serves with a majority of the old cluster"),
]


@pytest.mark.parametrize(("states", "gone", "refusal"), MAJORITIES)
def test_no_second_cluster_beside_a_majority(
    machine: FakeMachine,
    run: Run,
    states: tuple[str | PortState, str | PortState],
    gone: tuple[str, ...],
    refusal: str,
) -> None:
    """The restore was begun and interrupted; when it goes on the others may have come back. The shell never asked."""
    run("stop", _plan(gone=gone))
    run("snapshot")
    others = [FakeEtcd(2, "etcd-1", "10.0.0.5"), FakeEtcd(3, "etcd-2", "10.0.0.6")]
    ports = {}
    for other, state, address in zip(others, states, STOPPED, strict=True):
        ports[address] = PortState.OPEN if isinstance(state, str) else state
        if state != HEALTHY:
            other.stop()
    if refusal:
        with pytest.raises(Failed, match=refusal):
            run("place", reached=FakeNetwork(others, None, ports))
        assert _data(machine) == "the old data"
        assert _look(run)["stage"] == "stopped"
    else:
        run("place", reached=FakeNetwork(others, None, ports))
        assert _look(run)["stage"] == "placed"


def test_a_restore_that_has_placed_its_data_asks_nobody(run: Run) -> None:
    run("stop", _plan())
    run("snapshot")
    run("place")
    run("place", reached=FakeNetwork([FakeEtcd(2, "etcd-1", "10.0.0.5")], None, {"10.0.0.5": PortState.OPEN}))


def test_a_survivor_s_data_becomes_a_snapshot(machine: FakeMachine, run: Run) -> None:
    run("stop", _plan(kind="survivor", name=""))
    network = FakeNetwork([], FakeEtcd(), STOPPED)
    run("snapshot", reached=network)
    salvaged = next(one for one in Store(machine).descriptions() if one.reason == "salvaged")
    assert (salvaged.verified, salvaged.source, salvaged.etcd) == (True, "10.0.0.4", "3.6.14")
    assert network.started[0][-1] == "--force-new-cluster"
    assert "--unsafe-no-fsync" in network.started[0]
    copied = next(call for call in machine.calls if call[:2] == ("cp", "--archive"))
    assert copied[-2] == str(machine.path("/var/lib/etcd/member")), "only a copy may be started"
    run("snapshot")
    run("place")
    assert salvaged.name in _data(machine)
    assert not list(Store(machine).folder.glob(".scratch*"))


def test_data_that_makes_no_good_snapshot(machine: FakeMachine, run: Run) -> None:
    run("stop", _plan(kind="survivor"))
    machine.answer("etcdutl snapshot restore", samples.failing("expected sha256"))
    with pytest.raises(Failed, match="makes no good snapshot: it cannot be restored: expected sha256"):
        run("snapshot")
    scratch = FakeEtcd()
    scratch.refuses["save_snapshot"] = NoAnswer("broke off")
    with pytest.raises(Failed, match="no snapshot can be taken of the data"):
        run("snapshot", reached=FakeNetwork([], scratch))
    with pytest.raises(Failed, match="the end of its log: what etcd logs"):
        run("snapshot", reached=FakeNetwork([], scratch, process=FakeProcess(1)))
    machine.path("/var/lib/etcd/member/wal/0.wal").unlink()
    with pytest.raises(Failed, match="there is no data in"):
        run("snapshot")


def test_a_survivor_without_room_deletes_nothing(
    machine: FakeMachine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("stop", _plan(kind="survivor"))
    monkeypatch.setattr("agent.etcd.snapshot_proof.free_bytes", lambda folder: 1000)
    with pytest.raises(Failed, match="has 0 MiB free"):
        run("snapshot")
    assert len(Store(machine).descriptions()) == 1


def _rclone(words: tuple[str, ...], given: str) -> Ended:
    if "lsjson" in words:
        return Ended(0, json.dumps([{"Path": f"etcd-1/20260101T000000Z-r{3 * BUMP}-timer.db"}]))
    Path(words[-1]).write_text(f"from {words[-2]}")
    return Ended(0)


def _age(words: tuple[str, ...], given: str) -> Ended:
    if given != "AGE-SECRET-KEY-1":
        return samples.failing("no identity matched any of the recipients")
    assert "AGE-SECRET-KEY-1" not in words
    Path(words[words.index("--output") + 1]).write_text("decrypted")
    return Ended(0)


def test_a_snapshot_from_a_place_off_the_machine(machine: FakeMachine, run: Run) -> None:
    settings = replace(SETTINGS, places=(S3,))
    machine.answer("rclone", _rclone)
    machine.answer("age", _age)
    path = "etcd-0/19990101T000000Z-r7-timer.db.age"
    run("stop", _plan(kind="s3", name="19990101T000000Z-r7-timer", path=path, encrypted=True))
    with pytest.raises(Failed, match="age cannot decrypt"):
        run("snapshot", "", settings=settings)
    assert not list(Store(machine).folder.glob(".restore-*"))
    run("snapshot", "AGE-SECRET-KEY-1", settings=settings)
    file = Store(machine).folder / f".restore-{ID}"
    assert file.read_text() == "decrypted"
    run("place", settings=settings)
    assert f"--bump-revision {BUMP + 3 * BUMP - 7} " in _data(machine), "the place knows of later revisions"
    run("finish")
    assert not file.exists()


def test_a_place_that_does_not_give_a_good_one(machine: FakeMachine, run: Run) -> None:
    settings = replace(SETTINGS, places=(S3,))
    run("stop", _plan(kind="s3", path="etcd-0/x.db"))
    with pytest.raises(Failed, match="the settings name no place s3"):
        run("snapshot")
    machine.answer("rclone", samples.failing("403 Forbidden"))
    with pytest.raises(Failed, match="cannot be had from s3: 403 Forbidden"):
        run("snapshot", settings=settings)
    machine.answer("rclone", _rclone)
    machine.answer("etcdutl snapshot restore", samples.failing("expected sha256"))
    with pytest.raises(Failed, match=r"etcd-0/x\.db is no good: it cannot be restored"):
        run("snapshot", settings=settings)
    assert not list(Store(machine).folder.glob(".restore-*"))


def test_a_place_that_is_silent_later_does_not_stop_the_restore(machine: FakeMachine, run: Run) -> None:
    settings = replace(SETTINGS, places=(S3,))
    machine.answer("rclone", _rclone)
    run("stop", _plan(kind="s3", name=NAME, path=f"etcd-0/{NAME}.db"))
    run("snapshot", settings=settings)
    machine.answer("rclone", samples.failing("no route to host"))
    run("place", settings=settings)
    assert "s3 does not say which snapshots it has: no route to host" in machine.said
