"""Locks in a real etcd: whose turn it is, and what ends a lock."""

import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.etcd_api import Etcd, EtcdError, Lock, LockBusy, LockLost, NoAnswer
from agent.etcd_http import EtcdHttp
from tests.unit.agent.fake_machine import FakeClock
from tests.unit.agent.real_etcd import PROGRAMS, RealMember, single

pytestmark = pytest.mark.system  # the mirror's etcd
NAME = "openstack-paas/membership"


@pytest.fixture(scope="module")
def member() -> Iterator[RealMember]:
    with single() as one:
        yield one


@pytest.fixture
def etcd(member: RealMember) -> Etcd:
    return member.etcd()


def _lost(lock: Lock) -> str:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            lock.check()
        except LockLost as error:
            return error.text
        time.sleep(0.05)
    raise AssertionError("the lock is still held")


def _revoke(member: RealMember, lease: int) -> None:
    EtcdHttp((member.endpoint,), None, 5).call("/v3/lease/revoke", {"ID": str(lease)})


def test_one_at_a_time(etcd: Etcd) -> None:
    with etcd.lock(NAME, 5) as first:
        first.check()
        assert first.key == f"{NAME}/{first.lease:x}"
        with pytest.raises(LockBusy, match=f"within 0 s: {socket.gethostname()} holds it"), etcd.lock(NAME, 0):
            pass
        with etcd.lock("openstack-paas/other", 0) as other:
            other.check()
        # Who gave up is not in the queue any more.
        assert etcd.keys(f"{NAME}/") == (first.key,)
    assert etcd.keys(f"{NAME}/") == ()
    with etcd.lock(NAME, 0) as second:
        second.check()
        assert second.lease != first.lease


def test_waits_for_its_turn_and_outlives_its_first_time(etcd: Etcd) -> None:
    held, turns = threading.Event(), []

    def second() -> None:
        with etcd.lock(NAME, 30):
            turns.append("second")

    with etcd.lock(NAME, 5, ttl=1) as first:
        waiting = threading.Thread(target=second)
        waiting.start()
        # More than one lease's time: the thread keeps it alive.
        held.wait(2.5)
        first.check()
        turns.append("first")
    waiting.join(30)
    assert turns == ["first", "second"]


def test_the_time_to_wait_is_over(member: RealMember, etcd: Etcd) -> None:
    clock = FakeClock()
    with etcd.lock(NAME, 5):
        waiting = Etcd((member.endpoint,), None, 5, clock)
        with pytest.raises(LockBusy, match="not to be had within 12 s"), waiting.lock(NAME, 12):
            pass
        assert clock.seconds == 12


def test_a_holder_that_is_killed(member: RealMember, etcd: Etcd) -> None:
    script = (
        "import sys, time; from agent.etcd_api import Etcd\n"
        f"with Etcd(('{member.endpoint}',), None).lock('{NAME}', 5, ttl=1):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        with pytest.raises(LockBusy), etcd.lock(NAME, 0):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    with etcd.lock(NAME, 20) as next_one:
        next_one.check()


def test_waits_for_etcdctl_and_etcdctl_for_it(member: RealMember, etcd: Etcd) -> None:
    """The shell's lock, while a platform goes over to the agent."""
    words: list[str | Path] = [PROGRAMS / "etcdctl", "--endpoints", member.endpoint, "lock", "--ttl", "5", "--", NAME]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline().startswith(f"{NAME}/")
        with pytest.raises(LockBusy, match="another one holds it"), etcd.lock(NAME, 0):
            pass
        other.terminate()
    with etcd.lock(NAME, 20) as lock, subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        end = time.monotonic() + 20
        while len(etcd.keys(f"{NAME}/")) < 2:
            assert time.monotonic() < end
            time.sleep(0.05)
        lock.check()
        _revoke(member, lock.lease)
        assert other.stdout and other.stdout.readline().startswith(f"{NAME}/")
        other.terminate()


def test_a_lease_that_has_ended(member: RealMember, etcd: Etcd) -> None:
    with etcd.lock(NAME, 5, ttl=1) as lock:
        _revoke(member, lock.lease)
        assert _lost(lock).endswith("may have another holder: its lease has ended")
        with pytest.raises(LockLost):
            lock.check()


def test_a_key_that_somebody_removed(etcd: Etcd) -> None:
    with etcd.lock(NAME, 5, ttl=1) as lock:
        etcd.delete(lock.key)
        assert _lost(lock).endswith("its key has been removed")


def test_a_lock_that_etcd_has_not_confirmed(member: RealMember) -> None:
    """Whoever cannot reach etcd knows that its time is over, by its own clock."""
    clock = FakeClock()
    with Etcd((member.endpoint,), None, 5, clock).lock(NAME, 5, ttl=30) as lock:
        clock.seconds = 29.9
        lock.check()
        clock.seconds = 31
        with pytest.raises(LockLost, match="has not confirmed it for 31 s"):
            lock.check()


def test_an_etcd_that_hangs_passes() -> None:
    with single() as member, member.etcd(0.2).lock(NAME, 5, ttl=2) as lock:
        assert member.process
        os.kill(member.process.pid, signal.SIGSTOP)
        assert "has not confirmed it for 2 s" in _lost(lock)
        os.kill(member.process.pid, signal.SIGCONT)


def test_a_lease_that_ends_while_it_waits(member: RealMember, etcd: Etcd) -> None:
    """It begins again at the end of the queue; a lock is never held without a lease."""
    clock = FakeClock()
    waiting = Etcd((member.endpoint,), None, 5, clock)
    revoked: list[str] = []

    with etcd.lock(NAME, 5) as first:

        def meanwhile() -> None:
            ours = [key for key in etcd.keys(f"{NAME}/") if key != first.key]
            if not revoked:
                revoked.extend(ours)
                _revoke(member, int(ours[0].rpartition("/")[2], 16))
            elif ours and ours != revoked:
                _revoke(member, first.lease)
            clock.after(0, meanwhile)

        clock.after(0, meanwhile)
        with waiting.lock(NAME, 60) as second:
            assert revoked and second.key not in revoked
            second.check()


def test_nobody_answers(tmp_path: Path) -> None:
    clock = FakeClock()
    etcd = Etcd((f"unix://{tmp_path}/nobody",), None, 5, clock)
    with pytest.raises(NoAnswer, match=r"not to be had within 3 s: .*nobody"), etcd.lock(NAME, 3):
        pass
    assert clock.seconds == 3


def test_what_runs_under_the_lock_fails(etcd: Etcd) -> None:
    with pytest.raises(ValueError, match="mine"), etcd.lock(NAME, 5):
        raise ValueError("mine")
    assert etcd.keys(f"{NAME}/") == ()


def test_names_are_not_prefixes_of_each_other(member: RealMember, etcd: Etcd) -> None:
    etcd.put(f"{NAME}-more/1", "x")
    with etcd.lock(NAME, 0) as lock:
        lock.check()
        value = EtcdHttp((member.endpoint,), None, 5).call(
            "/v3/kv/range", {"key": base64.b64encode(lock.key.encode()).decode()}
        )["kvs"][0]
        assert int(value["lease"]) == lock.lease
    assert isinstance(LockBusy("x"), EtcdError)
