"""A snapshot is taken, proven, recorded and copied; every way in which it is refused."""

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from agent.etcd import backup
from agent.etcd.backup_copies import listing
from agent.etcd.backup_record import METRICS, Store
from agent.etcd.backup_settings import Keep
from agent.etcd_api import EtcdError, NoAnswer
from agent.machine import Failed
from tests.unit.agent import etcd_samples as samples
from tests.unit.agent.etcd_samples import SETTINGS
from tests.unit.agent.fake_etcd import MIB, FakeEtcd, FakeNetwork, FakeProcess
from tests.unit.agent.fake_machine import FakeMachine

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return samples.machine(tmp_path)


@pytest.fixture
def member() -> FakeEtcd:
    return FakeEtcd()


def _status(machine: FakeMachine) -> dict[str, object]:
    return Store(machine).status


def _refused(machine: FakeMachine, member: FakeEtcd, scratch: FakeEtcd | None = None) -> str:
    with pytest.raises(Failed) as refused:
        backup.take(machine, SETTINGS, network=FakeNetwork([member], scratch or FakeEtcd()))
    return str(refused.value)


def test_a_snapshot_is_verified_and_described(machine: FakeMachine, member: FakeEtcd) -> None:
    taken = backup.take(machine, SETTINGS, "manual", network=FakeNetwork([member], FakeEtcd()))
    assert taken and taken.verified
    assert taken.name == "20261121T120000Z-r7-manual"
    assert machine.said.endswith(f"{taken.name}: revision 7, 5 keys, 10 bytes, verified")
    (file,) = Store(machine).folder.glob("*.json")
    assert json.loads(file.read_text()) == {
        "name": taken.name, "member": "etcd-0", "cluster": "paas", "time": 1795262400, "reason": "manual",
        "revision": 7, "keys": 5, "hash": 77, "size": 10, "etcd": "3.6.14", "from": "10.0.0.4", "verified": True,
    }  # fmt: skip
    assert not list(Store(machine).folder.glob(".scratch*")), "the scratch etcd must leave nothing behind"
    assert (Store(machine).folder.stat().st_mode & 0o777) == 0o700
    metrics = machine.path(METRICS)
    assert (metrics.parent.stat().st_mode & 0o777, metrics.stat().st_mode & 0o777) == (0o755, 0o644)
    assert "openstack_paas_etcd_backup_last_run_failed 0\n" in metrics.read_text()
    assert "openstack_paas_etcd_backup_last_verified_size_bytes 10\n" in metrics.read_text()
    assert "copied" not in metrics.read_text()


def test_a_member_without_snapshots_lists_none(machine: FakeMachine) -> None:
    listed = listing(machine, SETTINGS, here=True)
    assert (listed["snapshots"], listed["status"], listed["places"]) == ([], {}, {})
    assert (listed["member"], listed["now"], listed["interval"]) == ("etcd-0", 1795262400, 900)


def test_the_list_has_the_highest_revision_last(machine: FakeMachine) -> None:
    samples.add(machine, samples.describe(200, 5), samples.describe(100, 9))
    assert [one["revision"] for one in listing(machine, SETTINGS, here=True)["snapshots"]] == [5, 9]


def test_a_description_that_cannot_be_read_is_left_alone(machine: FakeMachine, member: FakeEtcd) -> None:
    store = samples.add(machine, samples.describe(100, 1))
    (store.folder / "20200101T000000Z-r1-timer.json").write_text("{")
    store.file("20200101T000000Z-r1-timer").write_text("x")
    backup.take(machine, SETTINGS, network=FakeNetwork([member], FakeEtcd()))
    assert "is not the description of a snapshot" in machine.said
    assert store.file("20200101T000000Z-r1-timer").exists()


def test_an_outcome_that_cannot_be_noted_hides_nothing(
    machine: FakeMachine, member: FakeEtcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Store, outcome: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Store, "write_outcome", full)
    member.stop()
    assert "no etcd answers" in _refused(machine, member)
    assert "how this run ended cannot be noted: No space left on device" in machine.said


@pytest.mark.parametrize("text", ["{", "7"])
def test_an_outcome_that_cannot_be_read_is_forgotten(machine: FakeMachine, member: FakeEtcd, text: str) -> None:
    store = samples.add(machine)
    (store.folder / ".status").write_text(text)
    assert backup.take(machine, SETTINGS, network=FakeNetwork([member], FakeEtcd()))
    assert (_status(machine)["outcome"], _status(machine)["failures"]) == ("taken", 0)


def test_a_reason_is_a_word(machine: FakeMachine) -> None:
    with pytest.raises(Failed, match="a word of lower-case letters"):
        backup.take(machine, SETTINGS, "two words", network=FakeNetwork([]))


def test_with_the_alarm_nospace_a_snapshot_is_taken(machine: FakeMachine, member: FakeEtcd) -> None:
    """`etcdctl endpoint health`, which the shell asked, is not healthy with an alarm: it took none."""
    member.set(errors=("memberID:1 alarm:NOSPACE",))
    assert backup.take(machine, SETTINGS, network=FakeNetwork([member], FakeEtcd()))
    assert "a snapshot all the same: the member says memberID:1 alarm:NOSPACE" in machine.said


def test_no_snapshot_of_a_member_that_does_not_answer(machine: FakeMachine, member: FakeEtcd) -> None:
    member.stop()
    assert "no etcd answers at 10.0.0.4" in _refused(machine, member)
    assert (_status(machine)["outcome"], _status(machine)["step"]) == ("failed", "member")


def test_no_snapshot_without_a_majority(machine: FakeMachine, member: FakeEtcd) -> None:
    member.refuses["check_health"] = NoAnswer("timed out")
    assert "has no majority behind it" in _refused(machine, member)


def test_a_learner_gives_no_snapshot(machine: FakeMachine, member: FakeEtcd) -> None:
    member.set(is_learner=True)
    assert backup.take(machine, SETTINGS, network=FakeNetwork([member])) is None
    assert machine.lines[-1].endswith("is a learner, which has not caught up: it gives no snapshot")
    assert _status(machine) == {}, "that is no failure"


@pytest.mark.parametrize("error", [NoAnswer("broke off"), OSError("No space left on device")])
def test_a_snapshot_that_breaks_off(machine: FakeMachine, member: FakeEtcd, error: Exception) -> None:
    member.refuses["save_snapshot"] = error
    assert f"gave no snapshot: {error}" in _refused(machine, member)
    assert not list(Store(machine).folder.glob("*.db"))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"hash": 78}, "the member at 10.0.0.4 has the hash 78 at revision 7, the snapshot 77"),
        ({"key_count": 6}, "the member at 10.0.0.4 has 6 keys at revision 7, the snapshot 5"),
    ],
)
def test_a_snapshot_that_differs_from_its_member_is_rejected(
    machine: FakeMachine, member: FakeEtcd, what: dict[str, int], said: str
) -> None:
    vars(member).update(what)
    assert f"is no good: {said}" in _refused(machine, member)
    (one,) = Store(machine).descriptions()
    assert (one.verified, one.problem) == (False, said)
    assert (_status(machine)["outcome"], _status(machine)["failures"]) == ("failed", 1)
    assert "openstack_paas_etcd_backup_last_run_failed 1\n" in machine.path(METRICS).read_text()


def test_a_member_that_has_compacted_or_is_silent_is_not_compared(machine: FakeMachine, member: FakeEtcd) -> None:
    vars(member).update(hash=78, compacted=6)
    assert backup.take(machine, SETTINGS, network=FakeNetwork([member], FakeEtcd()))
    assert "has compacted its history since then: not compared" in machine.said
    member.refuses["hash_kv"] = NoAnswer("timed out")
    assert backup.take(machine, SETTINGS, network=FakeNetwork([member], FakeEtcd()))
    assert "not compared with the member, which does not say" in machine.said


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("etcdutl snapshot status", "the file is not a snapshot: what it says"),
        ("etcdutl snapshot restore", "it cannot be restored: what it says"),
    ],
)
def test_a_damaged_snapshot_is_rejected(machine: FakeMachine, member: FakeEtcd, program: str, said: str) -> None:
    machine.answer(program, samples.failing("what it says"))
    assert f"is no good: {said}" in _refused(machine, member)
    assert [one.verified for one in Store(machine).descriptions()] == [False]


def test_a_snapshot_that_serves_another_revision_is_rejected(machine: FakeMachine, member: FakeEtcd) -> None:
    scratch = FakeEtcd()
    scratch.set(revision=6)
    assert "restored it serves revision 6, and the file says 7" in _refused(machine, member, scratch)


def test_an_empty_store_is_at_revision_1(machine: FakeMachine, member: FakeEtcd) -> None:
    machine.answer("etcdutl snapshot status", json.dumps({"revision": 0}))
    scratch = FakeEtcd()
    scratch.set(revision=1)
    taken = backup.take(machine, SETTINGS, network=FakeNetwork([member], scratch))
    assert taken and taken.revision == 1


def test_a_scratch_etcd_that_ends_shows_its_log(machine: FakeMachine, member: FakeEtcd) -> None:
    with pytest.raises(Failed, match="has ended; the end of its log: what etcd logs"):
        backup.take(machine, SETTINGS, network=FakeNetwork([member], FakeEtcd(), process=FakeProcess(1)))
    assert machine.clock.seconds == 0, "nobody waits for one that has ended"


def test_a_scratch_etcd_that_never_answers(machine: FakeMachine, member: FakeEtcd) -> None:
    scratch = FakeEtcd()
    scratch.stop()
    assert "waited 90 s for the scratch etcd to answer; last seen: timed out" in _refused(machine, member, scratch)
    scratch.refuses = {"hash_kv": EtcdError("no")}
    assert "does not say what the snapshot holds: no" in _refused(machine, member, scratch)


def test_what_stays_is_decided_by_the_tiers(machine: FakeMachine, member: FakeEtcd) -> None:
    store = samples.add(machine, *(samples.describe(100 * number, number) for number in range(1, 5)))
    backup.take(machine, SETTINGS, network=FakeNetwork([member], FakeEtcd()))
    assert [one.revision for one in store.descriptions()] == [4, 7]
    assert "removed 19700101T000140Z-r1-timer: no tier keeps it" in machine.said
    assert len(list(store.folder.glob("*.db"))) == 2


def test_leftovers_of_a_killed_run_are_removed(machine: FakeMachine, member: FakeEtcd) -> None:
    store = samples.add(machine)
    store.file("20200101T000000Z-r1-timer").write_text("half")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (".scratch.old", f".scratch.{ended.pid}.x", f".scratch.{os.getpid()}.x", ".scratch.1.x"):
        (store.folder / name).mkdir()
    (store.folder / ".new.x").write_text("half")
    taken = backup.take(machine, SETTINGS, network=FakeNetwork([member], FakeEtcd()))
    assert taken and [path.stem for path in store.folder.glob("*.db")] == [taken.name]
    left = sorted(path.name for path in store.folder.glob(".*") if path.name not in (".lock", ".status"))
    assert left == sorted([f".scratch.{os.getpid()}.x", ".scratch.1.x"]), "those of others that go on must stay"


def test_two_snapshots_do_not_run_at_the_same_time(machine: FakeMachine, member: FakeEtcd) -> None:
    store = samples.add(machine)
    with store.locked():
        assert "waited 900 s for the end of another snapshot" in _refused(machine, member)
        assert 900 <= machine.clock.seconds < 901
        problem = backup.take_before_change(machine, SETTINGS, "membership", network=FakeNetwork([member]))
        assert "waited 300 s for the end of another snapshot" in problem
    assert _status(machine) == {}, "the other run says how it ended"


def _disk(monkeypatch: pytest.MonkeyPatch, store: Store, size: int) -> None:
    """A disk on which only snapshots lie."""

    def usage(path: object) -> Usage:
        used = sum(file.stat().st_size for file in store.folder.glob("*.db"))
        return Usage(size, used, size - used)

    monkeypatch.setattr(shutil, "disk_usage", usage)


def _room_for_three(monkeypatch: pytest.MonkeyPatch, machine: FakeMachine) -> Store:
    old = [samples.describe(86400 * day, day) for day in (1, 2, 3)]
    last = [samples.describe(86400 * 3 + 60 * minute, 3 + minute) for minute in range(1, 6)]
    store = samples.add(machine, *old, *last, samples.describe(5, 0, verified=False), size=40 * MIB)
    # 344 MiB for a database of 40 MiB.
    _disk(monkeypatch, store, (344 + 3 * 40) * MIB)
    return store


def test_old_snapshots_make_room(machine: FakeMachine, member: FakeEtcd, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the shell's behaviour the disk stays full, and no snapshot is taken any more."""
    store = _room_for_three(monkeypatch, machine)
    settings = replace(SETTINGS, keep=Keep(last=8, daily=3))
    assert backup.take(machine, settings, network=FakeNetwork([member], FakeEtcd()))
    assert "to make room: its proof failed" in machine.said
    assert "to make room: the oldest of the fullest tier, last" in machine.said
    left = [one.revision for one in store.descriptions()]
    assert left[-2:] == [7, 8], "the newest one must stay beside the new one"
    assert 2 in left, "a day's snapshot is worth more than one of the last minutes"


def test_where_old_snapshots_do_not_make_enough_room_all_of_them_stay(
    machine: FakeMachine, member: FakeEtcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _room_for_three(monkeypatch, machine)
    _disk(monkeypatch, store, 370 * MIB)
    assert "and a snapshot with its proof needs 344 MiB, more than old snapshots take: free some" in _refused(
        machine, member
    )
    assert len(store.descriptions()) == 9
    for one in store.descriptions():
        store.remove(one.name)
    _disk(monkeypatch, store, 10 * MIB)
    assert "has 10 MiB free, and a snapshot with its proof needs 344 MiB: free" in _refused(machine, member)


def test_a_snapshot_that_takes_too_long(machine: FakeMachine, member: FakeEtcd) -> None:
    def slow(words: tuple[str, ...], given: str) -> str:
        machine.clock.sleep(400)
        return '{"revision": 7}'

    machine.answer("etcdutl snapshot status", slow)
    problem = backup.take_before_change(
        machine, SETTINGS, "membership", "10.0.0.4", 300, FakeNetwork([member], FakeEtcd())
    )
    assert problem == "proof: the snapshot did not end within 300 s"


def test_a_snapshot_in_another_run_leaves_its_step_alone(machine: FakeMachine, member: FakeEtcd) -> None:
    machine.step_name, machine.unit = "membership", "etcd.service"
    samples.add(machine)
    source = FakeEtcd(2, "etcd-1", "10.0.0.5")
    assert (
        backup.take_before_change(machine, SETTINGS, "membership", "10.0.0.5", network=FakeNetwork([source], member))
        == ""
    )
    assert (machine.step_name, machine.unit) == ("membership", "etcd.service")
    (one,) = Store(machine).descriptions()
    assert (one.reason, one.source) == ("membership", "10.0.0.5")
    source.set(is_learner=True)
    reached = FakeNetwork([source], member)
    assert backup.take_before_change(machine, SETTINGS, "membership", "10.0.0.5", network=reached) == (
        "the member is a learner"
    )
    source.stop()
    assert "member: no etcd answers" in backup.take_before_change(
        machine, SETTINGS, "membership", "10.0.0.5", network=reached
    )
    assert machine.step_name == "membership"
