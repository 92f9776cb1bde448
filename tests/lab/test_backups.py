"""Backups on the platform: the timer's unit, copies in the lab's S3 store, reports of failures, and restores."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from dev.lab import places, services, supervision
from ops.shared.cluster import Cluster, ClusterError
from tests.lab.platform import Done, Platform, run, until
from tests.lab.report import record

MEMBER = "etcd-1"
UNIT = "openstack-paas-etcd-backup"
METRICS = "/var/lib/openstack-paas-metrics/etcd-backup.prom"
#: The cluster's folder in the bucket, on the store's disk.
COPIES = places.OBJECT_STORE / places.BUCKET / "lab"
#: Rows that are written, destroyed and restored.
ROWS = 1000


def take(platform: Platform, name: str) -> str:
    """Start the timer's service by hand. Returns the result that systemd reports."""
    begun = f"systemctl start {UNIT}.service || true; systemctl show --value --property=Result {UNIT}.service"
    return platform.on(name, begun, 180).strip()


def metrics(platform: Platform, name: str) -> dict[str, float]:
    """The metrics file, read by a user other than root."""
    text = platform.on(name, f"runuser -u nobody -- cat {METRICS}")
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {key.removeprefix("openstack_paas_etcd_backup_"): float(value) for key, _, value in lines}


def listing(of: str) -> dict[str, Any]:
    """The output of `ops etcd backups` or `ops database backups`. The newest backup must not be late."""
    done = run("python", "-m", "ops", of, "backups", "--json", seconds=120)
    assert done.status == 0, done.text
    found: dict[str, Any] = json.loads(done.text)
    assert found["late"] == ""
    return found


def snapshots(where: str, member: str) -> dict[str, dict[str, Any]]:
    """A member's snapshots in one place, by name."""
    found = listing("etcd")["snapshots"]
    return {one["name"]: one for one in found if one["where"] == where and one["member"] == member}


@contextmanager
def store_away() -> Iterator[None]:
    """The S3 store does not answer during the block."""
    supervision.stop(services.STORE)
    try:
        yield
    finally:
        supervision.start(services.STORE)
        supervision.wait(services.STORE, 30)


def test_the_timer_makes_a_verified_snapshot_here_and_in_the_store(platform: Platform) -> None:
    member = platform.machine(MEMBER).name
    timer = platform.on(MEMBER, f"systemctl show --property=ActiveState,UnitFileState,Unit {UNIT}.timer")
    assert timer.split() == [f"Unit={UNIT}.service", "ActiveState=active", "UnitFileState=enabled"]
    # On a new platform `ops etcd backups` reports that there is no snapshot yet.
    begun, before = int(platform.on(MEMBER, "date +%s")), platform.on(MEMBER, "ls /var/lib/etcd-backup || true")
    assert take(platform, MEMBER) == "success"
    took = int(platform.on(MEMBER, "date +%s")) - begun
    here, there = snapshots(member, member), snapshots("s3", member)
    name = max(name for name in here if name not in before)
    assert here[name]["verified"]
    assert name.endswith("-timer")
    assert there[name]["path"] == f"{member}/{name}.db"
    copy = (COPIES / member / f"{name}.db").read_bytes()
    assert len(copy) == here[name]["size"]
    original = platform.on(MEMBER, f"sha256sum </var/lib/etcd-backup/{name}.db").split()[0]
    assert hashlib.sha256(copy).hexdigest() == original
    seen = metrics(platform, MEMBER)
    assert seen["last_run_failed"] == 0
    assert seen["last_verified_size_bytes"] == len(copy)
    assert begun <= seen["last_verified_timestamp_seconds"]
    assert begun <= seen['copied_timestamp_seconds{place="s3"}']
    record(f"snapshot of etcd ({len(copy) / 2**20:.1f} MiB), verified and copied to S3", f"{took} s")


@pytest.mark.long
def test_a_store_that_does_not_answer_is_reported_and_caught_up(platform: Platform) -> None:
    member = platform.machine(MEMBER).name
    before = snapshots(member, member).keys()
    with store_away():
        assert take(platform, MEMBER) == "exit-code"
        found = listing("etcd")
    assert f"{member}: the last run failed at step 'copies'" in found["problems"]
    assert [problem for problem in found["problems"] if ": s3: " in problem]
    here = snapshots(member, member)
    name = max(here.keys() - before)
    assert here[name]["verified"], "it must still be on the machine"
    seen = metrics(platform, MEMBER)
    assert seen["last_run_failed"] == 1
    assert seen['copied_timestamp_seconds{place="s3"}'] < seen["last_verified_timestamp_seconds"]
    # Other members may have failed too, if their timers elapsed in the meantime.
    failed = {problem.partition(":")[0].removeprefix("lab-") for problem in found["problems"]} | {MEMBER}
    assert {take(platform, each) for each in failed if each.startswith("etcd-")} == {"success"}
    assert metrics(platform, MEMBER)["last_run_failed"] == 0
    assert name in snapshots("s3", member), "the next run must copy what was missed"
    assert not [problem for problem in listing("etcd")["problems"] if problem.startswith(member)]


def ops_database(*words: str) -> Done:
    """Run `ops database` with these arguments. It must succeed."""
    done = run("python", "-m", "ops", "database", *words, seconds=600)
    assert done.status == 0, done.text
    return done


def lose_on_the_volume(platform: Platform, name: str) -> int:
    """Delete a backup from the backup volume, wherever that is. Returns how many files it had."""
    script = f"find /disks -path '*_database_mariadb-backups/{name}.*' -print -delete"
    workers = [machine.name.removeprefix("lab-") for machine in platform.outputs.role("worker")]
    return sum(len(platform.on(worker, script).splitlines()) for worker in workers)


def test_deleted_rows_are_restored_from_the_bucket_only(platform: Platform) -> None:
    database = platform.outputs.database
    assert database is not None
    query = partial(Cluster(platform.outputs).query, database.namespace)
    fingerprint = "SELECT CONCAT(COUNT(*), ' ', BIT_XOR(CRC32(CONCAT_WS(',', id, word)))) FROM backup_test.rows"
    query(database.primary, "DROP DATABASE IF EXISTS backup_test; CREATE DATABASE backup_test")
    query(database.primary, "CREATE TABLE backup_test.rows (id INT PRIMARY KEY, word VARCHAR(40))")
    query(database.primary, f"INSERT INTO backup_test.rows SELECT seq, SHA1(seq) FROM backup_test.seq_1_to_{ROWS}")
    written = query(database.primary, fingerprint)
    assert written.startswith(f"{ROWS} ")

    backed_up = ops_database("backup")
    newest = listing("database")["backups"][0]
    assert newest["verified"]
    assert newest["copied"] == "s3"
    copy = COPIES / "database" / f"{newest['name']}.sql.gz"
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == newest["checksum"]
    record(
        f"backup of the database ({newest['size'] / 2**20:.1f} MiB), checked and in S3", f"{backed_up.seconds:.0f} s"
    )

    query(database.primary, "DROP DATABASE backup_test")
    assert lose_on_the_volume(platform, newest["name"]) == 3, "expected the dump, its record and the note of its copy"
    restored = ops_database("restore", "--backup", newest["name"], "--yes")
    record("restore of the database from the bucket, with its replica", f"{restored.seconds:.0f} s")

    def same(member: str) -> bool:
        try:
            return bool(query(member, fingerprint) == written)
        except ClusterError:
            return False

    for member in (database.primary, *database.replicas):
        until(partial(same, member), f"{member} has the rows again", 30)
    query(database.primary, "DROP DATABASE backup_test")
