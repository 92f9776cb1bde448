"""The chart's container scripts for real: servers as plain processes that replicate, die, come back and are copied."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.charts import render
from tests.unit.members.pod import REPLICATION_PASSWORD, ROOT_PASSWORD, Network, Pod, wait_for

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not all(map(shutil.which, ("mariadbd", "socat"))), reason="needs Debian's mariadb-server"),
    pytest.mark.timeout(300),
]
VALUES = {
    "replicas": 2,
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
    request = json.loads((network.folder / "requests").read_text().splitlines()[0])
    assert request["path"] == "/api/v1/namespaces/database/pods/database-0"
    assert request["body"] == {"metadata": {"labels": {"openstack-paas/database-role": "primary"}}}


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
    assert "data is there already" in replica.prepare()
    replica.start()
    replicates(primary, replica, 4)
    assert replica.query("SELECT COUNT(*) FROM app.rows") == "4"


def test_replica_is_not_ready_without_its_primary(pods: list[Pod]) -> None:
    primary, replica = pods[:2]
    primary.kill()
    wait_for("an unready replica", lambda: replica.health("ready").returncode != 0, 30)
    answer = replica.health("ready").stdout
    assert "replication stands still: receiving Connecting" in answer
    assert replica.health("alive").returncode == 0
    assert "data is there already" in primary.prepare()
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
    assert "interrupted: starting anew" in late.prepare()
    late.start()
    replicates(primary, late, 6)


def test_lost_primary_is_rebuilt_from_a_replica(pods: list[Pod]) -> None:
    primary, replica, late = pods
    rows = primary.query("SELECT COUNT(*) FROM app.rows")
    wait_for("the last row", lambda: replica.query("SELECT COUNT(*) FROM app.rows") == rows, 20)
    primary.kill()
    shutil.rmtree(primary.folder / "data" / "data")
    assert "rebuilding the primary from it" in primary.prepare()
    primary.start()
    assert primary.query("SELECT COUNT(*) FROM app.rows") == rows
    assert primary.query("SELECT @@read_only") == "0"
    replicates(primary, replica, 7)
    replicates(primary, late, 8)
    assert primary.query("SHOW SLAVE STATUS") == ""
