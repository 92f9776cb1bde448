"""Backups and restores by the chart's scripts, on real servers: taken, kept, damaged, restored, interrupted."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.database.restore import GENERATION
from tests.unit.charts.helm import render
from tests.unit.charts.members.pod import USER, Network, Pod, wait_for

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not all(map(shutil.which, ("mariadbd", "socat"))), reason="needs Debian's mariadb-server"),
    pytest.mark.timeout(300),
]
VALUES = {
    "replicas": 1,
    "auth": {"existingSecret": "passwords"},
    "server": {"bufferPoolSize": "16M"},
    "replication": {"semiSyncTimeoutMilliseconds": 1000},
    "backups": {"enabled": True, "keep": {"last": 2, "hourly": 3, "daily": 2, "weekly": 2}},
}


class Site:
    """A primary, a replica, and one pod in which the jobs run one after another."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.network = Network(folder)
        self.network.name("127.0.0.10", "database-primary")
        for member in range(2):
            self.network.name(f"127.0.0.{10 + member}", f"database-{member}.database-headless")
        manifests = render("charts/mariadb", VALUES)
        self.primary, self.replica = (Pod(self.network, manifests, ordinal) for ordinal in range(2))
        template = manifests["CronJob", "database-restore"]["spec"]["jobTemplate"]["spec"]["template"]
        taker = manifests["CronJob", "database-backup"]["spec"]["jobTemplate"]["spec"]["template"]
        self.job = Pod(self.network, manifests, 9, template)
        self.job.environment |= self.job.variables(taker["spec"]["containers"][0]["env"])
        self.folder = self.job.folder / "backups"

    def backup(self) -> str:
        """Takes one; its name, which no other has: names are seconds."""
        second = datetime.now(UTC).replace(microsecond=0)
        while datetime.now(UTC).replace(microsecond=0) == second:
            time.sleep(0.05)
        done = self.job.run("/opt/mariadb-member/backup.sh")
        assert done.returncode == 0, done.stdout
        return self.records()[-1].split()[0]

    def records(self) -> list[str]:
        """The records on the volume, oldest first."""
        return [file.read_text().strip() for file in sorted(self.folder.glob("*.record"))]

    def published(self) -> dict[str, Any]:
        """What was last published of the backups."""
        requests = map(json.loads, (self.network.folder / "requests").read_text().splitlines())
        told = [request["body"] for request in requests if request["path"].endswith("/configmaps/database-backups")]
        found: dict[str, Any] = told[-1]["data"]
        return found

    def serve(self, name: str) -> None:
        """The restoring job: a server that has loaded the backup."""
        self.job.environment["BACKUP"] = name
        self.job.start("/opt/mariadb-member/restore.sh")

    def close(self) -> None:
        """Ends everything."""
        for pod in (self.primary, self.replica, self.job):
            pod.kill()
        self.network.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Both members up, with some rows."""
    site = Site(tmp_path_factory.mktemp("backups"))
    try:
        for pod in (site.primary, site.replica):
            pod.prepare()
            pod.start()
        site.primary.query("CREATE TABLE app.rows (id INT PRIMARY KEY); INSERT INTO app.rows VALUES (1), (2), (3)")
        wait_for("a replica that follows", lambda: site.replica.health("ready").returncode == 0)
        wait_for("rows there", lambda: site.replica.query("SELECT COUNT(*) FROM app.rows") == "3")
        yield site
    finally:
        site.close()


@pytest.fixture(scope="module")
def first(site: Site) -> str:
    """The first backup, with which the release's data is three rows."""
    return site.backup()


def test_a_backup_comes_from_the_replica_and_is_noted(site: Site, first: str) -> None:
    name, size, checksum, position, source, _ = site.records()[0].split()
    assert (name, source) == (first, "database-1")
    assert position == site.replica.query("SELECT @@gtid_current_pos")
    dump = site.folder / f"{first}.sql.gz"
    assert int(size) == dump.stat().st_size
    digest = subprocess.run(["sha256sum", dump], check=True, capture_output=True, text=True).stdout
    assert digest.split()[0] == checksum
    assert site.published() == {"list": site.records()[0] + " -\n", "failure": None}


def test_a_replica_that_stands_still_is_not_asked(site: Site, first: str) -> None:
    site.replica.query("STOP SLAVE SQL_THREAD")
    name = site.backup()
    site.replica.query("START SLAVE SQL_THREAD")
    assert name > first
    assert site.records()[-1].split()[4] == "database-0"


def test_a_failed_backup_says_so_and_leaves_the_others(site: Site, first: str) -> None:
    before = site.records()
    for pod in (site.primary, site.replica):
        pod.kill()
    done = site.job.run("/opt/mariadb-member/backup.sh")
    assert done.returncode == 1
    assert site.records() == before
    told = site.published()
    assert "the dump of database-0.database-headless failed" in told["failure"]
    assert first in told["list"]
    for pod in (site.primary, site.replica):
        pod.prepare()
        pod.start()
    wait_for("a replica that follows", lambda: site.replica.health("ready").returncode == 0)


def test_a_damaged_backup_is_refused(site: Site, first: str) -> None:
    dump = site.folder / f"{first}.sql.gz"
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-10] + b"0123456789")
    site.job.environment["BACKUP"] = first
    done = site.job.run("/opt/mariadb-member/restore.sh")
    dump.write_bytes(whole)
    assert done.returncode == 1
    assert "its checksum differs" in done.stdout


def test_restore(site: Site, first: str) -> None:
    primary, replica = site.primary, site.replica
    primary.query("INSERT INTO app.rows VALUES (4); CREATE DATABASE later; CREATE USER mallory@'%'")
    primary.query("DELETE FROM app.rows WHERE id < 3")
    position = primary.query("SELECT @@gtid_current_pos")
    site.serve(first)
    state = {"initialised": "2026-01-01T00:00:00Z", "generation": f"{first}-1", "source": site.job.address}
    primary.remember(**state)
    primary.kill()
    # Interrupted, the old data is still there, and the next attempt starts over.
    preparing = subprocess.Popen(
        primary.command("/opt/mariadb-member/prepare.sh"), env=primary.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for("half-made data", (primary.folder / "data" / "data.new" / "mysql").exists, 30)
    os.killpg(preparing.pid, signal.SIGKILL)
    preparing.wait()
    assert (primary.folder / "data" / "data" / "later").exists()
    log = primary.prepare()
    assert "an earlier preparation was interrupted" in log and f"restoring {first}-1" in log
    primary.start()
    site.job.kill()
    assert primary.query(GENERATION) == f"{first}-1", "by which the command knows that the primary has it"
    assert primary.query("SELECT GROUP_CONCAT(id) FROM app.rows") == "1,2,3"
    assert primary.query("SELECT COUNT(*) FROM mysql.user WHERE User = 'mallory'") == "0"
    assert "later" not in primary.query("SHOW DATABASES")
    primary.query("INSERT INTO app.rows VALUES (10)")
    restored = primary.query("SELECT @@gtid_binlog_pos")
    assert int(restored.split("-")[2]) > int(position.split("-")[2]) + 2**31
    # The replica has what the primary no longer has: it must not go on as if nothing had happened.
    wait_for("a replica that refuses", lambda: "1236" in replica.health("ready").stdout, 30)
    primary.remember(source="")
    replica.remember(**{**state, "source": ""})
    replica.kill()
    assert "copied up to GTID" in replica.prepare()
    replica.start()
    wait_for("a ready replica", lambda: replica.health("ready").returncode == 0, 30)
    assert replica.query("SELECT GROUP_CONCAT(id) FROM app.rows") == "1,2,3,10"
    for pod in (primary, replica):
        pod.kill()
        assert "data already exists" in pod.prepare()
        pod.start()


def test_an_older_volume_than_the_restore_is_not_served(site: Site) -> None:
    primary = site.primary
    primary.kill()
    primary.remember(generation="another")
    done = primary.run("/opt/mariadb-member/prepare.sh")
    assert done.returncode == 1 and "is not from restore another" in done.stdout


def test_tiers(site: Site) -> None:
    for file in (*site.folder.glob("*.record"), *site.folder.glob("*.sql.gz")):
        file.unlink()
    # The newest two; of three hours; of two days; of two weeks, which end on Sundays: January 4 and 11.
    kept = ["20260104T120700Z", "20260110T090700Z", "20260111T080700Z", "20260111T090800Z", "20260111T093700Z"]
    gone = ["20250101T000700Z", "20260105T120700Z", "20260110T080700Z", "20260111T090700Z"]
    for name in (*kept, *gone):
        for suffix in ("record", "sql.gz"):
            file = site.folder / f"{name}.{suffix}"
            file.write_text(f"{name} 1 0 0-100-1 database-1 1\n")
            os.chown(file, USER, USER)
    done = site.job.run("/bin/bash", "-euc", "source /opt/mariadb-member/keep.sh; prune")
    assert done.returncode == 0, done.stdout
    assert sorted(file.stem for file in site.folder.glob("*.record")) == sorted(kept)


def test_a_signature_of_the_specification(site: Site) -> None:
    """Amazon's own example, GET Bucket Lifecycle (S3 API reference, signature calculations for the header)."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (site.job.folder / "s3" / "secret-key").write_text("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    names = "host;x-amz-content-sha256;x-amz-date"
    headers = f"host:examplebucket.s3.amazonaws.com\nx-amz-content-sha256:{empty}\nx-amz-date:20130524T000000Z\n"
    request = f"GET\n/\nlifecycle=\n{headers}\n{names}\n{empty}"
    script = 'source /opt/mariadb-member/s3.sh; signature 20130524T000000Z 20130524/us-east-1/s3/aws4_request "$1"'
    done = site.job.run("/bin/bash", "-euc", script, "bash", request)
    assert done.stdout == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"


@pytest.fixture
def bucket(site: Site) -> Iterator[Path]:
    """The folder of a bucket behind TLS, whose keys and CA the jobs have."""
    store = site.network.folder / "store"
    site.network.name("127.0.0.1", "kubernetes.default.svc")
    for name, content in {"access-key": "access", "secret-key": "se/cret+key"}.items():
        (site.job.folder / "s3" / name).write_text(content)
    shutil.copy(site.network.folder / "ca.crt", site.job.folder / "s3")
    program = Path(__file__).parent / "members" / "s3_store.py"
    command = [sys.executable, str(program), str(site.network.folder), str(store), "se/cret+key"]
    server = subprocess.Popen([*site.network.enter(), *command], stderr=subprocess.DEVNULL)
    wait_for("the store", (site.network.folder / "store-listening").exists, 10)
    site.job.environment |= {"S3_ENDPOINT": "https://kubernetes.default.svc:9000", "S3_PATH": "bucket/paas/database"}
    yield store / "bucket" / "paas" / "database"
    site.job.environment |= {"S3_ENDPOINT": ""}
    server.kill()
    server.wait()


def test_copies_in_a_bucket(site: Site, bucket: Path) -> None:
    """After the tiers, because they fill the volume with names that are not backups."""
    for file in site.folder.iterdir():
        file.unlink()
    for pod in (site.replica, site.primary):
        pod.kill()
    site.primary.remember(generation="", source="")
    shutil.rmtree(site.primary.folder / "data" / "data")
    site.primary.remember(initialised="")
    site.primary.prepare()
    site.primary.start()
    site.primary.query("CREATE TABLE app.rows (id INT PRIMARY KEY); INSERT INTO app.rows VALUES (77)")
    (site.job.folder / "s3" / "secret-key").write_text("wrong")
    done = site.job.run("/opt/mariadb-member/backup.sh")
    assert done.returncode == 1
    assert "to the bucket: HTTP/1.1 403" in done.stdout and "wrong" not in done.stdout
    assert site.published()["list"].endswith(" -\n"), "it is on the volume all the same"
    (site.job.folder / "s3" / "secret-key").write_text("se/cret+key")
    newest = site.backup()
    assert [line.split()[-1] for line in site.published()["list"].splitlines()] == ["s3", "s3"]
    assert {file.suffix for file in bucket.iterdir()} == {".record", ".gz"} and len(list(bucket.iterdir())) == 4
    # What no tier keeps is gone in both places.
    first = sorted(site.folder.glob("*.record"))[0].stem
    site.job.environment |= {"KEEP_LAST": "1", "KEEP_HOURLY": "0", "KEEP_DAILY": "0", "KEEP_WEEKLY": "0"}
    done = site.job.run(
        "/bin/bash", "-euc", "source /opt/mariadb-member/keep.sh; source /opt/mariadb-member/s3.sh; prune"
    )
    assert done.returncode == 0, done.stdout
    assert not list(bucket.glob(f"{first}*")) and len(list(bucket.iterdir())) == 2
    # The volume is lost: the bucket has it, and the next run lists what that has: more than the store tells at once.
    site.job.environment |= {"KEEP_LAST": "3"}
    names = [newest, site.backup(), site.backup()]
    for file in site.folder.iterdir():
        file.unlink()
    (bucket / "20200101T000000Z.record").write_text('20200101T000000Z 1 ab 0-1-1 x 1"}, "other": {"')
    names.append(site.backup())
    assert [line.split()[0] for line in site.published()["list"].splitlines()] == names
    assert [file.name for file in site.folder.glob("*.sql.gz")] == [f"{names[-1]}.sql.gz"]
    # The first of them is now beyond the tiers, which the run after that sees.
    site.serve(newest)
    assert site.job.query("SELECT id FROM app.rows") == "77"
    site.job.kill()
