"""etcd by its JSON gateway: a real etcd, alone behind a socket, and members with TLS on loopback."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.etcd_api import Etcd, EtcdError, Member, NoAnswer, PortState, Tls, peer_members, port_state
from agent.etcd_http import NOT_FOUND, OUT_OF_RANGE, PRECONDITION, UNAVAILABLE, NotConnected
from tests.unit.agent import openssl
from tests.unit.agent.real_etcd import PROGRAMS, RealMember, free_port, single, with_tls

pytestmark = pytest.mark.system  # the mirror's etcd
RESOURCE_EXHAUSTED = 8


@pytest.fixture(scope="module")
def member() -> Iterator[RealMember]:
    with single() as one:
        yield one


@pytest.fixture
def etcd(member: RealMember) -> Etcd:
    return member.etcd()


def eventually(action: Callable[[], object]) -> None:
    """etcd refuses for a moment what its members have not yet agreed on."""
    end = time.monotonic() + 30
    while True:
        try:
            action()
            return
        except EtcdError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_keys(etcd: Etcd) -> None:
    assert etcd.get("a/1") is None
    assert etcd.get_prefix("a/") == {}
    assert etcd.keys("a/") == ()
    for key, value in (("a/2", "two"), ("a/1", "ä\n"), ("a0", "outside"), ("a/3", "")):
        etcd.put(key, value)
    assert etcd.get("a/1") == "ä\n".encode()
    assert etcd.get("a/3") == b""
    assert etcd.get_prefix("a/") == {"a/1": "ä\n".encode(), "a/2": b"two", "a/3": b""}
    assert etcd.keys("a/") == ("a/1", "a/2", "a/3")
    assert etcd.keys("a") == ("a/1", "a/2", "a/3", "a0")
    etcd.delete("a/1")
    etcd.delete("a/1")
    assert etcd.keys("a/") == ("a/2", "a/3")


def test_counts_and_hashes_at_a_revision(etcd: Etcd) -> None:
    etcd.put("count/1", "x")
    at, before, hashed = etcd.status().revision, etcd.count(), etcd.hash_kv()
    etcd.put("count/2", "x")
    assert (etcd.count(), etcd.count(at)) == (before + 1, before)
    assert etcd.hash_kv(at) == hashed
    assert etcd.hash_kv() != hashed
    with pytest.raises(EtcdError, match="future revision") as seen:
        etcd.count(at + 1000)
    assert seen.value.code == OUT_OF_RANGE and not isinstance(seen.value, NoAnswer)


def test_compacts_once_and_defragments(etcd: Etcd) -> None:
    for _ in range(60):
        etcd.put("big", "x" * 20_000)
    # Sizes are those of the last commit, 100 ms ago at most.
    eventually(lambda: _holds(etcd, 1_000_000))
    full = etcd.status()
    etcd.compact(full.revision)
    etcd.compact(full.revision)
    etcd.compact(full.revision - 5)
    with pytest.raises(EtcdError, match="future revision"):
        etcd.compact(full.revision + 1000)
    with pytest.raises(EtcdError, match="has been compacted") as seen:
        etcd.count(full.revision - 1)
    assert seen.value.code == OUT_OF_RANGE
    assert etcd.hash_kv().compact_revision == full.revision
    # "physical": the pages are free when the answer comes.
    assert etcd.status().db_in_use < full.db_in_use - 500_000
    etcd.defragment()
    assert etcd.status().db_size < full.db_size - 500_000


def test_status_and_versions(etcd: Etcd) -> None:
    status = etcd.status()
    assert status.member_id == status.leader != 0
    assert f"etcd-{status.version}" == PROGRAMS.name
    assert etcd.cluster_version() == f"{status.version.rpartition('.')[0]}.0"
    assert 0 < status.db_in_use <= status.db_size
    assert 0 < status.raft_applied_index <= status.raft_index
    assert not status.is_learner and status.errors == ()
    etcd.check_health()


def test_a_snapshot_is_what_etcdutl_takes(etcd: Etcd, tmp_path: Path) -> None:
    # Many messages of the stream.
    etcd.put("large", "x" * 1_000_000)
    file = tmp_path / "snapshot.db"
    etcd.save_snapshot(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot.db"]
    restored = subprocess.run(
        [PROGRAMS / "etcdutl", "snapshot", "restore", file, "--data-dir", tmp_path / "restored"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert restored.returncode == 0, restored.stderr


def test_a_snapshot_leaves_nothing_when_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer):
        Etcd((f"unix://{tmp_path}/nobody",), None).save_snapshot(tmp_path / "snapshot.db")
    assert list(tmp_path.iterdir()) == []


def test_a_full_database_is_healthy_and_comes_back() -> None:
    """The hole of NOSPACE: health is a read, so that the alarm locks nobody out."""
    with single("--quota-backend-bytes", "500000") as member:
        etcd = member.etcd()
        assert etcd.alarms() == ()
        with pytest.raises(EtcdError, match="database space exceeded") as seen:
            # etcd sees its own size when it commits, some times a second.
            for _ in range(1000):
                etcd.put("big", "x" * 20_000)
        assert seen.value.code == RESOURCE_EXHAUSTED and not isinstance(seen.value, NoAnswer)
        assert etcd.alarms() == ((etcd.status().member_id, "NOSPACE"),)
        assert "NOSPACE" in " ".join(etcd.status().errors)
        etcd.check_health()
        with pytest.raises(EtcdError, match="database space exceeded"), etcd.lock("openstack-paas/membership", 60):
            pass
        etcd.compact(etcd.status().revision)
        etcd.defragment()
        etcd.disarm()
        etcd.disarm()
        assert etcd.alarms() == ()
        etcd.put("big", "small")


def test_members_come_lead_and_go(tmp_path: Path) -> None:
    with with_tls(tmp_path, "one", "two") as (one, two):
        assert one.tls
        one.start("--strict-reconfig-check=false")
        etcd = one.wait()
        learner = etcd.add_learner(two.peer)
        assert learner == Member(learner.id, "", (two.peer,), (), True)
        with pytest.raises(EtcdError, match="too many learner members") as seen:
            etcd.add_learner("https://127.0.0.1:1")
        assert seen.value.code == PRECONDITION
        with pytest.raises(EtcdError, match="in sync with leader"):
            etcd.promote(learner.id)

        both = f"one={one.peer},two={two.peer}"
        two.start("--strict-reconfig-check=false", cluster=both, state="existing")
        eventually(lambda: two.etcd(1).status())
        second = two.etcd()
        assert second.status().is_learner
        with pytest.raises(EtcdError, match="not supported for learner") as seen:
            second.check_health()
        assert not isinstance(seen.value, NoAnswer)
        # One of the endpoints is a learner: the next is asked, also about what is not repeatable.
        pair = Etcd((two.endpoint, one.endpoint), one.tls)
        pair.check_health()
        eventually(lambda: pair.promote(learner.id))
        two.wait()
        listed = {found.name: found for found in pair.members()}
        assert listed["two"] == Member(learner.id, "two", (two.peer,), (two.endpoint,), False)
        assert not second.status().is_learner

        leader = etcd.status().leader
        assert leader == listed["one"].id
        with pytest.raises(EtcdError, match="not leader"):
            second.move_leader(learner.id)
        etcd.move_leader(learner.id)
        eventually(lambda: _leads(second, learner.id))

        assert {found.name for found in peer_members("127.0.0.1", one.tls, port=one.peer_port)} == {"one", "two"}
        # Half of them is no majority: the list of peers is there all the same.
        two.stop()
        eventually(lambda: _leads(etcd, 0))
        short = one.etcd(1)
        with pytest.raises(NoAnswer):
            short.check_health()
        with pytest.raises(NoAnswer):
            short.members()
        assert short.status().revision
        from_peer = peer_members("127.0.0.1", one.tls, port=one.peer_port)
        assert {(found.id, found.name, found.is_learner) for found in from_peer} == {
            (leader, "one", False), (learner.id, "two", False)
        }  # fmt: skip
        with pytest.raises(NoAnswer):
            peer_members("127.0.0.1", one.tls, port=two.peer_port)

        two.start(cluster=both, state="existing")
        two.wait()
        eventually(lambda: pair.remove(learner.id))
        one.wait()
        assert [found.name for found in etcd.members()] == ["one"]
        with pytest.raises(EtcdError, match="not found") as seen:
            etcd.remove(learner.id)
        assert seen.value.code == NOT_FOUND


def _holds(etcd: Etcd, size: int) -> None:
    if etcd.status().db_in_use < size:
        raise EtcdError("not yet")


def _leads(etcd: Etcd, leader: int) -> None:
    seen = etcd.status().leader
    if seen != leader:
        raise EtcdError(f"{seen} leads, not {leader}")


def _wait_until_stopped(pid: int) -> None:
    """On a busy machine a thread may go on for a moment."""
    end = time.monotonic() + 30
    while any(" T " not in task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/stat")):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_strangers_are_not_trusted_and_not_served(tmp_path: Path) -> None:
    with with_tls(tmp_path, "one") as (one,):
        assert one.tls
        one.start()
        one.wait()
        other = tmp_path / "other"
        other.mkdir()
        openssl.authority(other, "ca")
        openssl.leaf(other, "member", "ca")
        with pytest.raises(NotConnected, match="certificate verify failed"):
            Etcd((one.endpoint,), replace(one.tls, ca=other / "ca.crt")).check_health()
        with pytest.raises(NoAnswer):
            Etcd((one.endpoint,), Tls(one.tls.ca, other / "member.crt", other / "member.key")).check_health()
        with pytest.raises(EtcdError, match="with a certificate only"):
            Etcd((one.endpoint,), None).check_health()
        with pytest.raises(EtcdError, match=r"cannot use .*nothing") as seen:
            Etcd((one.endpoint,), replace(one.tls, key=tmp_path / "nothing")).check_health()
        assert not isinstance(seen.value, NoAnswer)
        # The second endpoint serves when the first is a dead one.
        Etcd((f"https://127.0.0.1:{free_port()}", one.endpoint), one.tls).check_health()
        # A member that is stopped takes connections, and says nothing.
        assert one.process
        os.kill(one.process.pid, signal.SIGSTOP)
        _wait_until_stopped(one.process.pid)
        try:
            with pytest.raises(NoAnswer, match="timed out"):
                one.etcd(0.3).check_health()
        finally:
            os.kill(one.process.pid, signal.SIGCONT)


def test_ports() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert port_state("127.0.0.1", listener.getsockname()[1]) is PortState.OPEN
    assert port_state("127.0.0.1", free_port()) is PortState.REFUSED


def test_a_port_behind_which_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*words: object, **more: object) -> socket.socket:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    assert port_state("192.0.2.1", 2380) is PortState.SILENT


def test_nobody_to_ask() -> None:
    with pytest.raises(EtcdError, match="no endpoint"):
        Etcd((), None).status()
    with pytest.raises(NotConnected) as seen:
        Etcd((f"http://127.0.0.1:{free_port()}", "unix:///nowhere/client"), None).status()
    assert seen.value.code == UNAVAILABLE and "refused" in seen.value.text and "/nowhere/client" in seen.value.text
