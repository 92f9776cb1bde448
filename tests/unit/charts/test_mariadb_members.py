"""The chart's container scripts for real: servers as plain processes that replicate, die, come back and are copied."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.charts.helm import render
from tests.unit.charts.members.pod import REPLICATION_PASSWORD, ROOT_PASSWORD, Network, Pod, wait_for

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not all(map(shutil.which, ("mariadbd", "socat"))), reason="needs Debian's mariadb-server"),
    pytest.mark.timeout(300),
]
VALUES = {
    "replicas": 2,
    # Short, because a primary without replicas, as in the first tests, waits that long for its first commit.
    "replication": {"semiSyncTimeoutMilliseconds": 2000, "rebuildWaitSeconds": 6},
    "auth": {"existingSecret": "passwords"},
    "server": {"bufferPoolSize": "16M"},
    "initializationScripts": {
        "first.sql": "CREATE TABLE app.initial (id INT PRIMARY KEY); INSERT INTO app.initial VALUES (1);"
    },
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Names as the cluster's DNS would give them."""
    folder = tmp_path_factory.mktemp("members")
    folder.chmod(0o755)
    network = Network(folder)
    network.name("127.0.0.10", "database-primary")
    for member in range(3):
        network.name(f"127.0.0.{10 + member}", f"database-{member}.database-headless")
    yield network
    network.close()


@pytest.fixture(scope="module")
def pods(network: Network) -> Iterator[list[Pod]]:
    """A primary and two members without data."""
    manifests = render("charts/mariadb", VALUES)
    pods = [Pod(network, manifests, ordinal) for ordinal in range(3)]
    pods[0].prepare()
    pods[0].start()
    yield pods
    for pod in pods:
        pod.kill()


def replicates(primary: Pod, replica: Pod, value: int) -> None:
    """A row written on the primary appears on the replica."""
    primary.query(f"INSERT INTO app.rows VALUES ({value})")
    wait_for(
        f"row {value} on {replica.name}",
        lambda: replica.query(f"SELECT COUNT(*) FROM app.rows WHERE id = {value}") == "1",
        20,
    )


def test_primary_is_initialised_and_labelled(network: Network, pods: list[Pod]) -> None:
    assert pods[0].health("ready").returncode == 0
    assert pods[0].query("SELECT id FROM app.initial") == "1"
    assert pods[0].query("SELECT @@server_id, @@read_only, @@gtid_strict_mode") == "100\t0\t1"
    role, state = map(json.loads, (network.folder / "requests").read_text().splitlines()[:2])
    assert role["path"] == "/api/v1/namespaces/database/pods/database-0"
    assert role["body"] == {"metadata": {"labels": {"openstack-paas/database-role": "primary"}}}
    assert state["path"] == "/api/v1/namespaces/database/configmaps/database-state"
    assert list(state["body"]["data"]) == ["initialised"]


def test_replica_copies_and_follows(pods: list[Pod]) -> None:
    primary, replica = pods[:2]
    primary.query("CREATE TABLE app.rows (id INT PRIMARY KEY); INSERT INTO app.rows VALUES (1)")
    # Binary logs that no longer reach back to the first transaction: only a copy can help.
    primary.query("FLUSH BINARY LOGS")
    primary.query("PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
    log = replica.prepare()
    assert "copied up to GTID 0-100-" in log
    replica.start()
    wait_for("a ready replica", lambda: replica.health("ready").returncode == 0)
    assert replica.query("SELECT @@server_id, @@read_only") == "101\t1"
    assert replica.query("SELECT id FROM app.rows UNION ALL SELECT id FROM app.initial") == "1\n1"
    replicates(primary, replica, 2)


def test_no_password_in_arguments_environment_or_logs(pods: list[Pod]) -> None:
    for pod in pods[:2]:
        assert pod.server is not None
        process = Path(f"/proc/{pod.server.pid}")
        shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        shown += (pod.folder / "log").read_bytes()
        for secret in (ROOT_PASSWORD, REPLICATION_PASSWORD):
            assert secret.encode() not in shown


def test_killed_replica_goes_on(pods: list[Pod]) -> None:
    primary, replica = pods[:2]
    replica.kill()
    primary.query("INSERT INTO app.rows VALUES (3)")
    assert "data already exists" in replica.prepare()
    replica.start()
    replicates(primary, replica, 4)
    assert replica.query("SELECT COUNT(*) FROM app.rows") == "4"


def test_replica_is_not_ready_without_its_primary(pods: list[Pod]) -> None:
    primary, replica = pods[:2]
    primary.kill()
    wait_for("an unready replica", lambda: replica.health("ready").returncode != 0, 30)
    answer = replica.health("ready").stdout
    assert "replication is not running: receiving Connecting" in answer
    assert replica.health("alive").returncode == 0
    assert "data already exists" in primary.prepare()
    primary.start()
    wait_for("a ready replica", lambda: replica.health("ready").returncode == 0, 30)
    replicates(primary, replica, 5)


def test_interrupted_copy_starts_anew(pods: list[Pod]) -> None:
    primary, late = pods[0], pods[2]
    half = late.folder / "data" / "data.new"
    preparing = subprocess.Popen(
        late.command("/opt/mariadb-member/prepare.sh"), env=late.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for("half-made data", lambda: (half / "mysql").exists(), 30)
    os.killpg(preparing.pid, signal.SIGKILL)
    preparing.wait()
    assert not (late.folder / "data" / "data").exists()
    assert "interrupted: starting again" in late.prepare()
    late.start()
    replicates(primary, late, 6)


def test_acknowledged_commits_are_on_a_replica(pods: list[Pod]) -> None:
    primary, replica, late = pods
    wait_for(
        "replicas that acknowledge", lambda: status(primary, "clients") == "2" and status(primary, "status") == "ON"
    )
    before = int(status(primary, "yes_tx"))
    primary.query("INSERT INTO app.rows VALUES (100)")
    assert int(status(primary, "yes_tx")) == before + 1
    # Nobody waits for a replica's own replicas, of which there are none.
    assert replica.query("SELECT @@rpl_semi_sync_master_enabled, @@rpl_semi_sync_slave_enabled") == "0\t1"
    assert primary.query("SELECT @@rpl_semi_sync_master_wait_point") == "AFTER_SYNC"
    for pod in (replica, late):
        pod.kill()
    started = time.monotonic()
    primary.query("INSERT INTO app.rows VALUES (101)")
    assert 1.9 < time.monotonic() - started < 10, "waits for as long as the settings say"
    assert status(primary, "status") == "OFF", "and goes on without"
    for pod in (replica, late):
        pod.prepare()
        pod.start()
    wait_for("replicas that acknowledge again", lambda: status(primary, "status") == "ON", 30)


def status(primary: Pod, name: str) -> str:
    """A counter or state of semi-synchronous replication."""
    return primary.query(f"SHOW STATUS LIKE 'Rpl_semi_sync_master_{name}'").split("\t")[1]


def test_lost_primary_is_rebuilt_from_the_furthest_replica(pods: list[Pod]) -> None:
    primary, replica, late = pods
    # A member that has just started follows a moment later, which would undo the next line.
    replicates(primary, late, 61)
    late.query("STOP SLAVE IO_THREAD")
    # Received, acknowledged, and not applied yet when the primary dies.
    replica.query("STOP SLAVE SQL_THREAD")
    primary.query("INSERT INTO app.rows VALUES (200)")
    rows = primary.query("SELECT COUNT(*) FROM app.rows")
    primary.kill()
    shutil.rmtree(primary.folder / "data" / "data")
    replica.query("START SLAVE SQL_THREAD")
    primary.remember(initialised="2026-01-01T00:00:00Z")
    log = primary.prepare()
    assert "database-1.database-headless has data: rebuilding the primary from it" in log
    assert "database-2.database-headless is at" in log and "did not catch up" not in log
    primary.start()
    assert primary.query("SELECT COUNT(*) FROM app.rows") == rows
    assert primary.query("SELECT @@read_only") == "0"
    replicates(primary, replica, 7)
    replicates(primary, late, 8)
    assert primary.query("SHOW SLAVE STATUS") == ""


def test_primary_is_rebuilt_from_a_copy_that_has_applied_nothing_since(pods: list[Pod]) -> None:
    primary, replica, late = pods
    for pod in (replica, late):
        pod.kill()
    shutil.rmtree(late.folder / "data" / "data")
    late.prepare()
    late.start()
    position = late.query("SELECT @@gtid_current_pos")
    primary.kill()
    shutil.rmtree(primary.folder / "data" / "data")
    log = primary.prepare()
    assert "continuing without database-1.database-headless: what only they have is lost" in log.replace("  ", " ")
    primary.start()
    # Behind a jump, which the copy takes part in.
    jumped = primary.query("SELECT @@gtid_binlog_pos")
    assert int(jumped.split("-")[2]) > int(position.split("-")[2]) + 2**31
    wait_for("the copy behind the jump", lambda: late.query("SELECT @@gtid_slave_pos") == jumped, 20)
    replicates(primary, late, 9)
    replica.prepare()
    replica.start()
    replicates(primary, replica, 10)


def test_lost_primary_is_not_started_empty(pods: list[Pod]) -> None:
    primary, replica, late = pods
    for pod in pods:
        pod.kill()
    lost = primary.folder / "data" / "data"
    aside = lost.with_name("aside")
    lost.rename(aside)
    done = primary.run("/opt/mariadb-member/prepare.sh")
    assert done.returncode == 1
    assert "no replica answers: an empty database would take its place" in done.stdout
    assert not lost.exists()
    aside.rename(lost)
    for pod in pods:
        pod.prepare()
        pod.start()
    replicates(primary, replica, 11)
    replicates(primary, late, 12)
