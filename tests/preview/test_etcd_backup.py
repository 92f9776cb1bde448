"""Snapshots of a real etcd are taken, verified, kept and copied. Also what happens when one of these fails."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.etcd.backup_settings import FOLDER, RCLONE_CONFIG
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


def _listing(machine: Machine, **options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.good("backups", **options).text)
    return found


def _use_own_disk(machine: Machine) -> None:
    """rclone finds the files that its configuration names."""
    file = machine.path(RCLONE_CONFIG)
    file.write_text(file.read_text().replace(FOLDER, str(machine.path(FOLDER))))


def test_a_snapshot_is_verified_and_described(single: Machine) -> None:
    taken = single.snapshot(reason="manual")
    assert taken["verified"]
    assert (taken["revision"], taken["keys"], taken["reason"], taken["member"]) == (10, 6, "manual", "etcd-0")
    file = single.backups / f"{taken['name']}.db"
    assert file.stat().st_size == taken["size"]
    assert not list(single.backups.glob(".scratch*")), "the scratch etcd must leave nothing behind"
    file = single.root / "var/lib/openstack-paas-metrics/etcd-backup.prom"
    assert (file.parent.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o755, 0o644), "others must read it"
    metrics = file.read_text()
    assert "openstack_paas_etcd_backup_last_run_failed 0\n" in metrics
    assert f"openstack_paas_etcd_backup_last_verified_size_bytes {taken['size']}\n" in metrics


def test_a_member_without_snapshots_lists_none(single: Machine) -> None:
    listed = single.command("backups", here="yes")
    assert listed.status == 0, listed.output
    assert json.loads(listed.text)["snapshots"] == []


def test_a_snapshot_of_a_compacted_history_is_verified(single: Machine) -> None:
    single.etcdctl("compact", "5")
    single.etcdctl("put", "key-9", "after")
    assert single.snapshot()["verified"]


def test_no_snapshot_without_a_majority_and_one_before_a_join(tmp_path: Path) -> None:
    for machines in members.running(tmp_path, 3):
        first, second, third = machines
        first.etcdctl("put", "a", "1")
        third.kill()
        shutil.rmtree(third.data / "member")
        joined = third.join()
        assert "a snapshot before the membership changes" in joined.output
        (before,) = _listing(third, here="yes")["snapshots"]
        assert (before["reason"], before["verified"], before["from"]) == ("membership", True, first.address)
        second.kill()
        third.kill()
        done = first.command("snapshot")
        assert done.status != 0
        assert "no majority behind it" in done.output


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
                _use_own_disk(machine)
                names = []
                for number in range(3):
                    machine.etcdctl("put", "key", str(number))
                    names.append(machine.snapshot(reason="timer")["name"])
                copies = sorted(path.name for path in (store / "test/etcd-0").iterdir())
                assert copies == [f"{name}.db.age" for name in names[1:]]
                assert (store / "test/etcd-0" / copies[0]).read_bytes().startswith(b"age-encryption.org/v1")
                there = _listing(machine)["places"]["sftp"]["snapshots"]
                assert [(entry["name"], entry["member"], entry["encrypted"]) for entry in there] == [
                    (name, "etcd-0", True) for name in names[1:]
                ]
                _restore_from_copy(machine, names[2], identity)
        finally:
            sftp.terminate()
        done = machine.command("backups")
        assert "problem" in json.loads(done.text)["places"]["sftp"], (
            "a place that does not answer must be reported as a problem, not as a failure"
        )


def _restore_from_copy(machine: Machine, name: str, identity: str) -> None:
    """The machine loses its disk. The copy is restored with an identity that is never stored on the machine."""
    machine.systemctl("stop")
    shutil.rmtree(machine.data / "member")
    shutil.rmtree(machine.backups)
    source = {"kind": "sftp", "name": name, "path": f"etcd-0/{name}.db.age", "encrypted": True}
    machine.good("restore", step="stop", stdin=json.dumps({"id": "20260101T000000Z", "source": source}))
    refused = machine.command("restore", step="snapshot")
    assert "age cannot decrypt" in refused.output
    machine.good("restore", step="snapshot", stdin=identity)
    machine.good("restore", step="place")
    machine.join()
    machine.good("restore", step="finish")
    assert machine.etcdctl("get", "key", "--print-value-only").strip() == "2"


def test_missed_copies_to_s3_are_made_by_the_next_run(tmp_path: Path) -> None:
    with s3.serve() as store:
        place = {"endpoint": store.endpoint, "bucket": "bucket", "prefix": "some/where"}
        secrets = {"backupS3AccessKey": s3.ACCESS_KEY, "backupS3SecretKey": "the-secret-key"}
        for machines in members.running(tmp_path, 1, _backups({"s3": place}), secrets):
            machine = machines[0]
            machine.etcdctl("put", "key", "0")
            machine.snapshot(reason="timer")
            store.refuses = True
            machine.etcdctl("put", "key", "1")
            done = machine.command("snapshot", reason="timer")
            assert done.status != 0
            assert "is on this machine and verified, but copies did not get to s3" in done.output
            assert "403" in _listing(machine)["places"]["s3"]["problem"]
            assert "the-secret-key" not in done.output
            store.refuses = False
            machine.etcdctl("put", "key", "2")
            machine.snapshot(reason="timer")
            names = [entry["name"] for entry in _listing(machine, here="yes")["snapshots"]]
            folder = "bucket/some/where/test/etcd-0"
            assert list(store.objects) == [f"{folder}/{name}.db" for name in names], (
                "expected the last two snapshots only"
            )
            (copied,) = [body for name, body in store.objects.items() if names[1] in name]
            assert copied == (machine.backups / f"{names[1]}.db").read_bytes()
            source = {"kind": "s3", "name": names[1], "path": f"etcd-0/{names[1]}.db", "encrypted": False}
            shutil.rmtree(machine.backups)
            machine.good("restore", step="stop", stdin=json.dumps({"id": "20260101T000000Z", "source": source}))
            machine.good("restore", step="snapshot")
            machine.good("restore", step="place")
            machine.join()
            assert machine.etcdctl("get", "key", "--print-value-only").strip() == "2"
