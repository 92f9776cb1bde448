"""Snapshots of a real etcd are taken, verified, kept and copied. Also what happens when one of these fails."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from settings.backups import BackupSettings
from tests.preview.etcd_machine import members, s3
from tests.preview.etcd_machine.members import Machine


def _backups(places: Mapping[str, Any], *recipients: str) -> BackupSettings:
    """The last two snapshots stay, in these places too."""
    keep = {"last": 2, "hourly": 0, "daily": 0, "weekly": 0}
    return BackupSettings.model_validate({"etcd": {"keep": keep}, "copyTo": places, "encryptTo": recipients})


@pytest.fixture
def single(tmp_path: Path) -> Iterator[Machine]:
    """A cluster with one member and a little history."""
    for machines in members.running(tmp_path, 1):
        for number in range(5):
            machines[0].etcdctl("put", f"key-{number}", "first")
        machines[0].etcdctl("put", "key-1", "second")
        machines[0].etcdctl("del", "key-2")
        # Kubernetes' events and node leases have one too.
        lease = machines[0].etcdctl("lease", "grant", "600").split()[1]
        machines[0].etcdctl("put", "--lease", lease, "leased", "yes")
        yield machines[0]


def test_a_snapshot_is_verified_and_described(single: Machine) -> None:
    taken = single.snapshot("--reason", "manual")
    assert taken["verified"]
    assert (taken["revision"], taken["keys"], taken["reason"], taken["member"]) == (9, 5, "manual", "etcd-0")
    file = single.backups / f"{taken['name']}.db"
    assert file.stat().st_size == taken["size"]
    assert not list(single.backups.glob(".scratch*")), "the scratch etcd must leave nothing behind"
    file = single.root / "var/lib/openstack-paas-metrics/etcd-backup.prom"
    assert (file.parent.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o755, 0o644), "others must read it"
    metrics = file.read_text()
    assert "openstack_paas_etcd_backup_last_run_failed 0\n" in metrics
    assert f"openstack_paas_etcd_backup_last_verified_size_bytes {taken['size']}\n" in metrics


def test_a_member_without_snapshots_lists_none(single: Machine) -> None:
    listed = single.run("etcd-backups.sh", "--here")
    assert listed.status == 0, listed.output
    assert json.loads(listed.output)["snapshots"] == []


def test_a_snapshot_of_a_compacted_history_is_verified(single: Machine) -> None:
    single.etcdctl("compact", "5")
    single.etcdctl("put", "key-9", "after")
    assert single.snapshot()["verified"]


def _fake_etcdctl(machine: Machine, text: str) -> None:
    """Replace etcdctl on this machine. `$real` is the real one and `$last` its last argument."""
    head = f'#!/bin/bash\nreal={members.PROGRAMS}/etcdctl\nfor last in "$@"; do :; done\n'
    (machine.fakes / "etcdctl").write_text(head + text)
    (machine.fakes / "etcdctl").chmod(0o755)


def test_a_snapshot_that_differs_from_its_member_is_rejected(single: Machine) -> None:
    single.snapshot()
    other_hash = "jq -c '.[0].HashKV.hash += 1'"
    _fake_etcdctl(single, f'[[ $* == *https*"endpoint hashkv"* ]] || exec $real "$@"\n$real "$@" | {other_hash}\n')
    done = single.run("etcd-backup.sh")
    assert done.status != 0
    assert "is no good: the member at" in done.output
    listing = single.listing("--here")
    assert [entry["verified"] for entry in listing["snapshots"]] == [True, False]
    assert listing["status"]["outcome"] == "failed"


def test_a_damaged_snapshot_is_rejected(single: Machine) -> None:
    damage = "printf x | dd of=$last bs=1 seek=9000 conv=notrunc status=none"
    _fake_etcdctl(single, f'$real "$@" || exit\n[[ $* != *"snapshot save"* ]] || {damage}\n')
    done = single.run("etcd-backup.sh")
    assert done.status != 0
    assert "is no good" in done.output
    assert [entry["verified"] for entry in single.listing("--here")["snapshots"]] == [False]
    metrics = (single.root / "var/lib/openstack-paas-metrics/etcd-backup.prom").read_text()
    assert "openstack_paas_etcd_backup_last_run_failed 1\n" in metrics
    assert "openstack_paas_etcd_backup_failures_total 1\n" in metrics


def test_a_full_disk_is_noticed_before_the_snapshot(single: Machine) -> None:
    fake = single.fakes / "df"
    fake.write_text("#!/bin/sh\necho Avail\necho 1000000\n")
    fake.chmod(0o755)
    done = single.run("etcd-backup.sh")
    assert done.status != 0
    assert "has 0 MiB free, and a snapshot with its proof needs 25" in done.output
    assert not list(single.backups.glob("*.db"))


def test_leftovers_of_a_killed_run_are_removed(single: Machine) -> None:
    single.backups.mkdir(exist_ok=True)
    (single.backups / "20200101T000000Z-r1-timer.db").write_text("half")
    (single.backups / ".scratch.old").mkdir()
    taken = single.snapshot()
    assert [path.name for path in single.backups.glob("*.db")] == [f"{taken['name']}.db"]
    assert not (single.backups / ".scratch.old").exists()


def test_no_snapshot_without_a_majority_and_one_before_a_join(tmp_path: Path) -> None:
    for machines in members.running(tmp_path, 3):
        first, second, third = machines
        first.etcdctl("put", "a", "1")
        third.kill()
        shutil.rmtree(third.data / "member")
        joined = third.join()
        assert "a snapshot before the membership changes" in joined.output
        (before,) = third.listing("--here")["snapshots"]
        assert (before["reason"], before["verified"], before["from"]) == ("membership", True, first.address)
        second.kill()
        third.kill()
        done = first.run("etcd-backup.sh")
        assert done.status != 0
        assert "no majority behind it" in done.output


def test_a_learner_takes_no_snapshot(single: Machine) -> None:
    """The member only claims to be a learner, because a real one catches up too fast here."""
    learner = "jq -c '.[0].Status.isLearner = true'"
    _fake_etcdctl(single, f'[[ $* == *"endpoint status"* ]] || exec $real "$@"\n$real "$@" | {learner}\n')
    done = single.good("etcd-backup.sh")
    assert "is a learner" in done.output
    assert not list(single.backups.glob("*.db"))


def test_copies_by_sftp_are_encrypted_listed_and_kept_by_the_same_tiers(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    port = 20000 + (tmp_path.stat().st_ino % 20000)
    for name in ("login", "host"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(key, check=True, capture_output=True)
    identity = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout
    recipient = next(line.split()[-1] for line in identity.splitlines() if "public key" in line)
    host_key = " ".join((tmp_path / "host.pub").read_text().split()[:2])
    place = {"host": "127.0.0.1", "port": port, "user": "backup", "folder": "/.", "hostKey": host_key}
    backups = _backups({"sftp": place}, recipient)
    secrets = {"backupSftpKey": (tmp_path / "login").read_text()}
    server = ["rclone", "serve", "sftp", str(store), "--addr", f"127.0.0.1:{port}", "--key", str(tmp_path / "host")]
    with subprocess.Popen(
        [*server, "--authorized-keys", str(tmp_path / "login.pub")], stderr=subprocess.DEVNULL
    ) as sftp:
        try:
            for machines in members.running(tmp_path, 1, backups, secrets):
                machine = machines[0]
                names = []
                for number in range(3):
                    machine.etcdctl("put", "key", str(number))
                    names.append(machine.snapshot()["name"])
                copies = sorted(path.name for path in (store / "test/etcd-0").iterdir())
                assert copies == [f"{name}.db.age" for name in names[1:]]
                assert (store / "test/etcd-0" / copies[0]).read_bytes().startswith(b"age-encryption.org/v1")
                there = machine.listing()["places"]["sftp"]["snapshots"]
                assert [(entry["name"], entry["member"], entry["encrypted"]) for entry in there] == [
                    (name, "etcd-0", True) for name in names[1:]
                ]
                _restore_from_copy(machine, names[2], identity)
        finally:
            sftp.terminate()
        done = machine.run("etcd-backups.sh")
        assert "problem" in json.loads(done.text)["places"]["sftp"], (
            "a place that does not answer must be reported as a problem, not as a failure"
        )


def _restore_from_copy(machine: Machine, name: str, identity: str) -> None:
    """The machine loses its disk. The copy is restored with an identity that is never stored on the machine."""
    machine.systemctl("stop")
    shutil.rmtree(machine.data / "member")
    shutil.rmtree(machine.backups)
    source = {"kind": "sftp", "name": name, "path": f"etcd-0/{name}.db.age", "encrypted": True}
    machine.good("etcd-restore.sh", "stop", stdin=json.dumps({"id": "20260101T000000Z", "source": source}))
    refused = machine.run("etcd-restore.sh", "snapshot")
    assert "age cannot decrypt" in refused.output
    machine.good("etcd-restore.sh", "snapshot", stdin=identity)
    machine.good("etcd-restore.sh", "place")
    machine.join()
    machine.good("etcd-restore.sh", "finish")
    assert machine.etcdctl("get", "key", "--print-value-only").strip() == "2"


def test_missed_copies_to_s3_are_made_by_the_next_run(tmp_path: Path) -> None:
    with s3.serve() as store:
        place = {"endpoint": store.endpoint, "bucket": "bucket", "prefix": "some/where"}
        secrets = {"backupS3AccessKey": s3.ACCESS_KEY, "backupS3SecretKey": "the-secret-key"}
        for machines in members.running(tmp_path, 1, _backups({"s3": place}), secrets):
            machine = machines[0]
            machine.etcdctl("put", "key", "0")
            machine.snapshot()
            store.refuses = True
            machine.etcdctl("put", "key", "1")
            done = machine.run("etcd-backup.sh")
            assert done.status != 0
            assert "is on this machine and verified, but copies did not get to s3" in done.output
            assert "403" in machine.listing()["places"]["s3"]["problem"]
            assert "the-secret-key" not in done.output
            store.refuses = False
            machine.etcdctl("put", "key", "2")
            machine.snapshot()
            names = [entry["name"] for entry in machine.listing("--here")["snapshots"]]
            folder = "bucket/some/where/test/etcd-0"
            assert list(store.objects) == [f"{folder}/{name}.db" for name in names], (
                "expected the last two snapshots only"
            )
            (copied,) = [body for name, body in store.objects.items() if names[1] in name]
            assert copied == (machine.backups / f"{names[1]}.db").read_bytes()
            source = {"kind": "s3", "name": names[1], "path": f"etcd-0/{names[1]}.db", "encrypted": False}
            shutil.rmtree(machine.backups)
            machine.good("etcd-restore.sh", "stop", stdin=json.dumps({"id": "20260101T000000Z", "source": source}))
            machine.good("etcd-restore.sh", "snapshot")
            machine.good("etcd-restore.sh", "place")
            machine.join()
            assert machine.etcdctl("get", "key", "--print-value-only").strip() == "2"
