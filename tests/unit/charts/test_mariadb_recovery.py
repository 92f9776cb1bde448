"""A primary that lost its disk is rebuilt from a replica; the others know more or less than that one: three servers."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.charts.helm import render
from tests.unit.charts.members.pod import Network, Pod, wait_for

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not all(map(shutil.which, ("mariadbd", "socat"))), reason="needs Debian's mariadb-server"),
    pytest.mark.timeout(300),
]
VALUES = {
    "replicas": 2,
    "replication": {"semiSyncTimeoutMilliseconds": 2000, "rebuildWaitSeconds": 6},
    "auth": {"existingSecret": "passwords"},
    "server": {"bufferPoolSize": "16M"},
}


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[list[Pod]]:
    """A primary with an empty table, and two replicas that follow and acknowledge."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    network = Network(tmp_path)
    network.name("127.0.0.10", "database-primary")
    for member in range(3):
        network.name(f"127.0.0.{10 + member}", f"database-{member}.database-headless")
    manifests = render("charts/mariadb", VALUES)
    made = [Pod(network, manifests, ordinal) for ordinal in range(3)]
    try:
        for pod in made:
            pod.prepare()
            pod.start()
            pod.remember(initialised="2026-01-01T00:00:00Z")
        made[0].query("CREATE TABLE app.rows (id INT PRIMARY KEY)")
        for replica in made[1:]:
            wait_for("a replica that is ready", lambda pod=replica: pod.health("ready").returncode == 0)
        wait_for("replicas that acknowledge", lambda: status(made[0], "status") == "ON")
        yield made
    finally:
        for pod in made:
            pod.kill()
        network.close()


def status(primary: Pod, name: str) -> str:
    """A counter or state of semi-synchronous replication."""
    return primary.query(f"SHOW STATUS LIKE 'Rpl_semi_sync_master_{name}'").split("\t")[1]


def rows(pod: Pod) -> str:
    """All rows, in order."""
    return pod.query("SELECT GROUP_CONCAT(id ORDER BY id) FROM app.rows")


def insert(primary: Pod, *values: int) -> None:
    """One transaction for each value."""
    primary.query("; ".join(f"INSERT INTO app.rows VALUES ({value})" for value in values))


def acknowledged(primary: Pod, write: Callable[[], None], count: int) -> None:
    """The writes, of which a replica acknowledges each."""
    before = int(status(primary, "yes_tx"))
    write()
    assert int(status(primary, "yes_tx")) == before + count


def lose(primary: Pod) -> None:
    """The primary's machine is gone, and its disk with it."""
    primary.kill()
    shutil.rmtree(primary.folder / "data" / "data")


def come_back(pod: Pod) -> str:
    """The pod starts on what its volume holds; returns the log of its preparation."""
    log = pod.prepare()
    pod.start()
    return log


def same(primary: Pod, *replicas: Pod) -> None:
    """The replicas come to hold what the primary holds."""
    for replica in replicas:
        wait_for(f"{replica.name} with all rows", lambda pod=replica: rows(pod) == rows(primary), 30)


def refuses(primary: Pod, replica: Pod, its_rows: str) -> None:
    """The replica stops with an error and keeps what it had, while the primary commits.

    MariaDB 10.11.19 reports the error with a commit: its thread that sends to the replica does not end before a replica
    acknowledges one. Without any commit, the replica's thread gives up after 20 s and records no reason.
    """

    def refused() -> bool:
        primary.query("CREATE OR REPLACE TABLE app.commits (id INT)")
        return "1236" in replica.health("ready").stdout

    wait_for(f"{replica.name} that refuses", refused, 30)
    assert rows(replica) == its_rows


def test_a_replica_that_was_ahead_and_away_stops_with_an_error(pods: list[Pod]) -> None:
    primary, ahead, behind = pods
    behind.query("STOP SLAVE IO_THREAD")
    assert "receiving No, applying Yes; no reason is recorded here" in behind.health("ready").stdout
    acknowledged(primary, lambda: insert(primary, 1, 2, 3), 3)
    same(primary, ahead)
    ahead.kill()
    lose(primary)
    log = primary.prepare()
    assert "continuing without database-1.database-headless: what only they have is lost" in log.replace("  ", " ")
    primary.start()
    # As many and more, so that the numbers without a jump would have come past those of the replica that was away.
    insert(primary, 11, 12, 13, 14, 15)
    behind.query("START SLAVE IO_THREAD")
    same(primary, behind)
    assert "data already exists" in come_back(ahead)
    refuses(primary, ahead, "1,2,3")
    insert(primary, 16)
    same(primary, behind)
    refuses(primary, ahead, "1,2,3")
    ahead.kill()
    shutil.rmtree(ahead.folder / "data" / "data")
    come_back(ahead)
    same(primary, ahead)


def test_two_rebuilds_from_one_position_do_not_use_a_number_twice(pods: list[Pod]) -> None:
    primary, first, second = pods
    insert(primary, 1)
    same(primary, first, second)
    first.kill()
    lose(primary)
    come_back(primary)
    insert(primary, 2, 3)
    same(primary, second)
    # Now the one that took part is away. The other is all there is to rebuild from, at the position of the first time.
    second.kill()
    lose(primary)
    come_back(first)
    come_back(primary)
    insert(primary, 12, 13, 14)
    same(primary, first)
    come_back(second)
    insert(primary, 15)
    refuses(primary, second, "1,2,3")
    same(primary, first)
    assert rows(primary) == "1,12,13,14,15"


def test_what_a_lagging_replica_has_acknowledged_outlives_its_restart(pods: list[Pod]) -> None:
    primary, lagging, behind = pods
    behind.query("STOP SLAVE IO_THREAD")

    def slow_and_more() -> None:
        # A statement that each server takes its time to apply, and transactions behind it.
        primary.query("SET binlog_format = STATEMENT; INSERT INTO app.rows SELECT 1 + SLEEP(9)")
        insert(primary, 2, 3)

    acknowledged(primary, slow_and_more, 3)
    lagging.kill()
    lose(primary)
    # The crash has torn the end of the log, in what nobody has acknowledged.
    relay = max((lagging.folder / "data" / "data").glob("mariadb-relay.0*"))
    with relay.open("ab") as file:
        file.write(relay.read_bytes()[4:44])
    assert "data already exists" in come_back(lagging)
    assert rows(lagging) == "NULL", "it lags, else this shows nothing"
    wait_for("work on what was received", lambda: "up to 0-100-" in lagging.health("ready").stdout, 20)
    # Killed once more while it applies.
    lagging.kill()
    come_back(lagging)
    # One transaction takes longer than a replica that stands still is waited for.
    assert "0-100-7 and still applies the next one" in primary.prepare()
    primary.start()
    assert rows(primary) == "1,2,3"
    insert(primary, 4)
    behind.query("START SLAVE IO_THREAD")
    same(primary, lagging, behind)
    wait_for("a ready replica", lambda: lagging.health("ready").returncode == 0, 20)


def test_a_rebuild_does_not_leave_out_what_a_replica_cannot_apply(pods: list[Pod]) -> None:
    primary, stuck, behind = pods
    behind.query("STOP SLAVE IO_THREAD")
    stuck.query("SET sql_log_bin = 0; INSERT INTO app.rows VALUES (1)")
    acknowledged(primary, lambda: insert(primary, 1, 2), 2)
    wait_for("a replica that stands still", lambda: "applying No" in stuck.health("ready").stdout)
    lose(primary)
    for _ in range(2):
        done = primary.run("/opt/mariadb-member/prepare.sh")
        assert done.returncode == 1, done.stdout
        assert "do not apply them: database-1.database-headless (up to 0-100-" in done.stdout
        assert not (primary.folder / "data" / "data").exists()
        # The same when it has started again, and knows it from its files alone.
        stuck.kill()
        come_back(stuck)
    wait_for("the reason", lambda: "Duplicate entry" in stuck.health("ready").stdout, 20)
    stuck.query("SET sql_log_bin = 0; DELETE FROM app.rows")
    come_back(primary)
    assert rows(primary) == "1,2"
    behind.query("START SLAVE IO_THREAD")
    same(primary, stuck, behind)
