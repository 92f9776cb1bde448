"""The drill that fills etcd: what it refuses, that its repair may run twice, and its script with a real etcd."""

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from ops.drill.drills.etcd_nospace import LARGEST_QUOTA, MIB, PREFIX, EtcdNospace
from ops.drill.target import REMOTE
from ops.drill.waiting import DrillError
from ops.shared.outputs import Machine
from tests.unit.agent import real_etcd
from tests.unit.ops.drill_samples import FakeTarget, target

SCRIPT = REMOTE / "etcd_fill.py"


class Members(FakeTarget):
    """Members with so much quota and free room."""

    quota, free = str(LARGEST_QUOTA), str(4 * LARGEST_QUOTA)

    def run(self, machine: Machine, command: str, script: str = "", seconds: float = 30) -> str:
        if script:
            assert script == SCRIPT.read_text()
            self.events.append(f"{machine.name}: {command.partition('-I - ')[2]}")
            return ""
        return self.free if "df " in command else self.quota


@pytest.fixture
def drill() -> EtcdNospace:
    known = target()
    return EtcdNospace(Members(known.outputs, known.stack, known.cluster, known.power))


def test_a_quota_that_takes_too_long(drill: EtcdNospace, monkeypatch: pytest.MonkeyPatch) -> None:
    drill.choose()
    assert "quota of 2048 MiB" in drill.plan()[0]
    monkeypatch.setattr(Members, "quota", str(LARGEST_QUOTA + MIB))
    with pytest.raises(DrillError, match=r"etcd\.quota is 2049 MiB, and filling more than 2048 MiB takes too long"):
        drill.choose()


def test_no_room_for_a_full_database(drill: EtcdNospace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Members, "free", str(4 * LARGEST_QUOTA - MIB))
    with pytest.raises(DrillError, match="8191 MiB are free, and a full database with its snapshot needs 8192 MiB"):
        drill.choose()
    monkeypatch.setattr(Members, "free", "")
    with pytest.raises(DrillError, match="printed no number"):
        drill.choose()


def test_the_repair_may_run_twice(drill: EtcdNospace, monkeypatch: pytest.MonkeyPatch) -> None:
    events = drill.target.events  # type: ignore[attr-defined]
    monkeypatch.setattr(FakeTarget, "ssh", lambda self: nullcontext())
    monkeypatch.setattr("ops.etcd.cli.defragment", lambda outputs, ssh: events.append("defragment"))
    drill.fault()
    drill.repair()
    drill.repair()
    clear = f"paas-etcd-0: clear {PREFIX} 300"
    assert events == [f"paas-etcd-0: fill {PREFIX} 900", clear, "defragment", clear, "defragment"]
    assert sorted(drill.figures) == ["full after", "room again after"]


def test_a_real_etcd_becomes_full_and_is_cleared(tmp_path: Path) -> None:
    with real_etcd.with_tls(tmp_path, "one") as (member,):
        member.start("--quota-backend-bytes", str(24 * MIB))
        etcd = member.wait()
        etcd.put("mine", "stays")
        script = SCRIPT.read_text().replace("2379", member.endpoint.rpartition(":")[2])
        script = script.replace('"/etc/etcd/pki"', f'"{tmp_path}"').replace("/client.", "/member.")

        def run(word: str, seconds: int) -> "subprocess.CompletedProcess[str]":
            words = [sys.executable, "-I", "-", word, PREFIX, str(seconds)]
            return subprocess.run(words, input=script, text=True, capture_output=True, check=False, timeout=60)

        short = run("fill", 0)
        assert (short.returncode, "etcd is not full after 0 s" in short.stderr) == (1, True)
        for _ in range(2):
            done = run("fill", 50)
            assert done.returncode == 0, done.stderr
            assert [alarm for _, alarm in etcd.alarms()] == ["NOSPACE"]
        assert len(etcd.keys(PREFIX)) > 500
        for _ in range(2):
            done = run("clear", 20)
            assert done.returncode == 0, done.stderr
            assert etcd.keys(PREFIX) == ()
        assert etcd.get("mine") == b"stays"
        member.stop()
        assert "the keys cannot be deleted" in run("clear", 0).stderr
