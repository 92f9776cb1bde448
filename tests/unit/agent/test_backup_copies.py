"""Copies in places off the machine, by an rclone that keeps files in a folder."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agent.etcd import backup
from agent.etcd.backup_copies import described, listing
from agent.etcd.backup_record import METRICS, Store
from agent.etcd.backup_settings import BackupFiles
from agent.machine import Failed
from agent.programs import Ended
from tests.unit.agent import etcd_samples as samples
from tests.unit.agent.etcd_samples import S3, SETTINGS, SFTP
from tests.unit.agent.fake_etcd import FakeEtcd, FakeNetwork
from tests.unit.agent.fake_machine import FakeMachine


class Rclone:
    """Remotes are folders; one in `refuses` does not answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refuses: set[str] = set()

    def _path(self, word: str) -> Path:
        remote, colon, path = word.partition(":")
        return self.folder / remote / path.lstrip("/") if colon else Path(word)

    def __call__(self, words: tuple[str, ...], given: str) -> Ended:
        verb = next(word for word in words if word in ("lsjson", "copyto", "deletefile"))
        target = self._path(words[-1])
        if words[-1].partition(":")[0] in self.refuses:
            return samples.failing("403 Forbidden\nfailed to ask: token abcdef.0123456789abcdef")
        if verb == "lsjson":
            if not target.is_dir():
                return samples.failing("directory not found", 3)
            paths = [str(file.relative_to(target)) for file in sorted(target.rglob("*")) if file.is_file()]
            return Ended(0, json.dumps([{"Path": path} for path in paths]))
        if verb == "deletefile":
            target.unlink()
            return Ended(0)
        source = self._path(words[-2])
        if not source.exists():
            return samples.failing("object not found", 3)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        return Ended(0)


def _age(words: tuple[str, ...], given: str) -> None:
    output = Path(words[words.index("--output") + 1])
    output.write_bytes(b"age " + Path(words[-1]).read_bytes())


@pytest.fixture
def rclone(tmp_path: Path) -> Rclone:
    return Rclone(tmp_path / "places")


@pytest.fixture
def machine(tmp_path: Path, rclone: Rclone) -> FakeMachine:
    made = samples.machine(tmp_path / "etcd-0")
    made.answer("rclone", rclone)
    made.answer("age", _age)
    return made


COPIED = replace(SETTINGS, places=(S3, SFTP), files=BackupFiles(s3_ca="an authority\n"))


def _take(machine: FakeMachine, revision: int, settings: object = COPIED) -> str:
    machine.clock.sleep(60)
    machine.answer("etcdutl snapshot status", json.dumps({"revision": revision}))
    member, scratch = FakeEtcd(), FakeEtcd()
    scratch.set(revision=revision)
    taken = backup.take(machine, settings, network=FakeNetwork([member], scratch))  # type: ignore[arg-type]
    assert taken
    return taken.name


def test_copies_are_kept_by_the_same_tiers(machine: FakeMachine, rclone: Rclone) -> None:
    names = [_take(machine, revision) for revision in (7, 8, 9)]
    for folder in ("s3/bucket/paas/etcd-0", "sftp/srv/paas/etcd-0"):
        assert sorted(path.name for path in (rclone.folder / folder).iterdir()) == [f"{name}.db" for name in names[1:]]
    assert f"removed {names[0]}.db from s3: no tier keeps it" in machine.said
    there = listing(machine, COPIED)["places"]["s3"]["snapshots"]
    assert there[1] == {
        "name": names[2], "member": "etcd-0", "path": f"etcd-0/{names[2]}.db", "reason": "timer", "verified": True,
        "encrypted": False, "revision": 9, "time": 1795262580,
    }  # fmt: skip
    assert 'copied_timestamp_seconds{place="s3"}' in machine.path(METRICS).read_text()
    call = next(call for call in machine.calls if call[0] == "rclone")
    assert call[1:3] == ("--config", str(machine.path("/etc/openstack-paas/etcd-backup/rclone.conf")))
    assert call[call.index("--ca-cert") + 1] == str(machine.path("/etc/openstack-paas/etcd-backup/s3-ca.crt"))


def test_what_leaves_the_machine_is_encrypted(machine: FakeMachine, rclone: Rclone) -> None:
    settings = replace(COPIED, places=(SFTP,), recipients=("age1x", "age1y"))
    name = _take(machine, 7, settings)
    (copy,) = (rclone.folder / "sftp/srv/paas/etcd-0").iterdir()
    assert (copy.name, copy.read_text()) == (f"{name}.db.age", "age a database")
    assert listing(machine, settings)["places"]["sftp"]["snapshots"][0]["encrypted"]
    machine.answer("age", samples.failing("malformed recipient"))
    with pytest.raises(Failed, match="copies did not get to sftp"):
        _take(machine, 8, settings)
    assert "not copied to sftp: malformed recipient" in machine.said


def test_missed_copies_are_made_by_the_next_run(machine: FakeMachine, rclone: Rclone) -> None:
    _take(machine, 7)
    rclone.refuses.add("s3")
    with pytest.raises(Failed, match="is on this machine and verified, but copies did not get to s3 "):
        _take(machine, 8)
    assert "not copied to s3: 403 Forbidden failed to ask: token <token>" in machine.said
    status = Store(machine).status
    assert (status["outcome"], status["step"], status["copies"]) == (
        "failed", "copies", {"s3": 1795262460, "sftp": 1795262520},
    )  # fmt: skip
    assert "403" in listing(machine, COPIED)["places"]["s3"]["problem"]
    assert listing(machine, COPIED, here=True)["places"] == {}
    rclone.refuses.clear()
    _take(machine, 9)
    there = sorted(path.name for path in (rclone.folder / "s3/bucket/paas/etcd-0").iterdir())
    assert [name.split("-")[1] for name in there] == ["r8", "r9"]
    status = Store(machine).status
    assert (status["outcome"], status["failures"], "step" in status) == ("taken", 1, False)


def test_snapshots_of_this_machine_before_it_was_lost_count(machine: FakeMachine, rclone: Rclone) -> None:
    names = [_take(machine, revision) for revision in (7, 8)]
    for one in Store(machine).descriptions():
        Store(machine).remove(one.name)
    # Its own clock is years behind: the one with the highest revision is the newest all the same.
    machine.clock.seconds -= 10**8
    newest = _take(machine, 9)
    there = sorted(path.name for path in (rclone.folder / "s3/bucket/paas/etcd-0").iterdir())
    assert there == sorted([f"{names[1]}.db", f"{newest}.db"])


def test_only_snapshots_count() -> None:
    bad = ["readme.txt", "x.db", "99999999T999999Z-r1-timer.db", "a/b/20260101T000000Z-r1-timer.db"]
    (good,) = described([*bad, "etcd-1/20260101T000000Z-r12-upgrade.db.age"])
    assert (good.member, good.revision, good.reason, good.encrypted) == ("etcd-1", 12, "upgrade", True)


def test_a_list_that_is_not_json(machine: FakeMachine) -> None:
    machine.answer("rclone", "[")
    assert listing(machine, COPIED)["places"]["s3"] == {"problem": "rclone's list of s3:bucket/paas is not JSON"}
