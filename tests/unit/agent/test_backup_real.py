"""Snapshots, room and restore with a real etcd, whose own programs prove and restore what it gave."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import programs
from agent.clock import Clock
from agent.etcd import backup, restore
from agent.etcd import scratch as scratch_etcd
from agent.etcd.backup_record import Store
from agent.etcd.defragment import defragment
from agent.etcd.network import Network
from agent.etcd.restore import BUMP
from agent.etcd.snapshot_proof import prove
from agent.etcd_api import Etcd, EtcdError, PortState
from agent.machine import Machine
from agent.programs import Ended
from tests.unit.agent import real_etcd
from tests.unit.agent.etcd_samples import SETTINGS
from tests.unit.agent.fake_etcd import MIB
from tests.unit.agent.real_etcd import RealMember

ID = "20260102T030405Z"


class LocalMachine(Machine):
    """The machine of the test: real programs and a real clock, files in a folder; systemctl and chown do nothing."""

    def __init__(self, root: Path) -> None:
        super().__init__("etcd-0", root, Clock())
        self.lines: list[str] = []

    def run(
        self, *words: "str | Path", seconds: float = 60, given: str = "", environment: Mapping[str, str] | None = None
    ) -> Ended:
        if words[0] in ("systemctl", "chown"):
            return Ended(0, "inactive\n")
        return super().run(*words, seconds=seconds, given=given, environment=environment)

    def log(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalMachine:
    monkeypatch.setattr(programs, "PATH", f"{real_etcd.PROGRAMS}:{programs.PATH}")
    return LocalMachine(tmp_path)


@pytest.fixture
def member() -> Iterator[RealMember]:
    with real_etcd.single("--quota-backend-bytes", str(32 * MIB)) as member:
        yield member


class _Network(Network):
    """Reaches the real member, whatever address is asked, and its own scratch etcd."""

    def __init__(self, member: RealMember) -> None:
        self.member = member

    def api(self, *endpoints: str, seconds: float = 5.0) -> Etcd:
        of_scratch = endpoints[0].startswith("unix:")
        return Etcd(endpoints if of_scratch else (self.member.endpoint,), None, seconds)

    def port_state(self, address: str, port: int) -> PortState:
        return PortState.REFUSED


def _fill(etcd: Etcd, number: int = 5) -> None:
    for one in range(number):
        etcd.put(f"key-{one}", "first")
    etcd.put("key-1", "second")
    etcd.delete("key-2")


def test_a_snapshot_of_a_history_with_leases_is_verified(machine: LocalMachine, member: RealMember) -> None:
    etcd = member.etcd()
    _fill(etcd)
    # Kubernetes' events and node leases have leases too; a lock is a key with one.
    with etcd.lock("a-lock", 5):
        taken = backup.take(machine, SETTINGS, "manual", network=_Network(member))
    assert taken and taken.verified
    assert (taken.revision, taken.keys, taken.etcd) == (9, 5, real_etcd.PROGRAMS.name.partition("-")[2])
    assert Store(machine).file(taken.name).stat().st_size == taken.size
    assert not [line for line in machine.lines if "not compared" in line]
    etcd.compact(5)
    etcd.put("key-9", "after")
    again = backup.take(machine, SETTINGS, network=_Network(member))
    assert again and again.verified
    damaged = Store(machine).folder / "damaged"
    content = bytearray(Store(machine).file(again.name).read_bytes())
    content[9000] ^= 1
    damaged.write_bytes(content)
    with scratch_etcd.folder(Store(machine).folder) as scratch:
        assert prove(machine, _Network(member), scratch, damaged, 32 * MIB).problem


def test_an_etcd_that_is_full_gives_a_snapshot_and_gets_room(machine: LocalMachine, member: RealMember) -> None:
    etcd = member.etcd()
    with pytest.raises(EtcdError, match="database space exceeded"):
        for _ in range(100):
            etcd.put("key", "x" * MIB)
    with pytest.raises(EtcdError, match="database space exceeded"), etcd.lock("a-lock", 1):
        pass
    assert [alarm for _, alarm in etcd.alarms()] == ["NOSPACE"]
    machine.path("/var/lib/etcd").mkdir(parents=True)
    settings = replace(SETTINGS, quota_bytes=32 * MIB)
    defragment(
        machine,
        replace(settings, members=settings.members[:1]),
        snapshot=lambda: backup.take_before_change(machine, settings, "compaction", network=_Network(member)),
        network=_Network(member),
    )
    (taken,) = Store(machine).descriptions()
    assert (taken.reason, taken.verified) == ("compaction", True)
    assert etcd.status().db_size < 8 * MIB
    assert etcd.alarms() == ()
    etcd.put("key", "there is room")


def test_a_survivor_s_data_is_kept_up_to_the_last_write(machine: LocalMachine, member: RealMember) -> None:
    etcd = member.etcd()
    _fill(etcd)
    revision = etcd.status().revision
    # What is not in the database yet is in the log. The commit of the very last write is not on the disk yet:
    # --force-new-cluster may drop that one.
    etcd.put("last", "write")
    member.stop()
    data = machine.path("/var/lib/etcd")
    data.parent.mkdir(parents=True)
    data.symlink_to(member.folder / member.name)
    reached = _Network(member)

    def run(word: str, given: str = "") -> Any:
        return restore.run(machine, SETTINGS, word, given, reached)

    assert run("look")["revision"] <= revision
    plan = {"id": ID, "first": "etcd-0", "source": {"kind": "survivor", "name": ""}}
    run("stop", json.dumps(plan))
    run("snapshot")
    run("place")
    assert run("look")["revision"] >= revision + BUMP
    member.start("--initial-cluster-token", "ignored")
    etcd = member.wait()
    assert etcd.get("key-1") == b"second"
    assert etcd.status().revision >= revision + BUMP
    with pytest.raises(EtcdError, match="compacted"):
        # Clients that ask from an earlier revision get an error and have to read everything again.
        etcd.count(revision)
    run("finish")
    (aside,) = data.glob("aside-*")
    assert (aside / "member/snap/db").exists(), "the old data must be kept"
    taken = backup.take(machine, SETTINGS, network=reached)
    assert taken and taken.revision >= revision + BUMP
    shutil.rmtree(aside)
