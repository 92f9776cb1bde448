"""Passwords of a living database: real servers whose Secret changes under them."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.unit.charts.helm import render
from tests.unit.charts.members.pod import REPLICATION_PASSWORD, Network, Pod, wait_for

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not all(map(shutil.which, ("mariadbd", "socat"))), reason="needs Debian's mariadb-server"),
    pytest.mark.timeout(300),
]
VALUES = {
    "replicas": 1,
    "replication": {"semiSyncTimeoutMilliseconds": 2000},
    "auth": {"existingSecret": "passwords", "revision": "2"},
    "server": {"bufferPoolSize": "16M"},
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Names as the cluster's DNS would give them."""
    folder = tmp_path_factory.mktemp("passwords")
    folder.chmod(0o755)
    made = Network(folder)
    made.name("127.0.0.10", "database-primary")
    for member in range(2):
        made.name(f"127.0.0.{10 + member}", f"database-{member}.database-headless")
    yield made
    made.close()


@pytest.fixture(scope="module")
def pods(network: Network) -> Iterator[list[Pod]]:
    """A primary and its replica."""
    manifests = render("charts/mariadb", VALUES)
    made = [Pod(network, manifests, ordinal) for ordinal in range(2)]
    for pod in made:
        pod.prepare()
        pod.start()
    wait_for("a ready replica", lambda: made[1].health("ready").returncode == 0)
    yield made
    for pod in made:
        pod.kill()


def change(pods: list[Pod], **passwords: str) -> None:
    """The Secret as these pods mount it."""
    for pod in pods:
        for name, text in passwords.items():
            (pod.folder / "passwords" / f"{name}-password").write_text(text)


def lets_in(pod: Pod, user: str, password: str) -> bool:
    """Whether the server takes the password, over the network."""
    (pod.folder / "run" / "try.cnf").write_text(f'[client]\nuser={user}\npassword="{password}"\nprotocol=tcp\n')
    client = ("mariadb", "--defaults-file=/run/mysqld/try.cnf", f"--host={pod.address}", "--execute", "SELECT 1")
    return pod.run(*client).returncode == 0


def test_a_changed_secret_reaches_every_member_and_nobody_restarts(pods: list[Pod]) -> None:
    primary, replica = pods
    position = primary.query("SELECT @@gtid_binlog_pos")
    change(pods, root="first changed", replication='and"this')
    wait_for("the new password", lambda: all(lets_in(pod, "root", "first changed") for pod in pods), 30)
    assert not any(lets_in(pod, "root", "ro'ot") for pod in pods)
    wait_for("a ready replica", lambda: replica.health("ready").returncode == 0, 30)
    # Earlier connections would hide a password that is not taken.
    primary.query("CREATE TABLE app.rows (id INT PRIMARY KEY)")
    assert primary.query("SELECT @@gtid_binlog_pos") == f"0-100-{int(position.rpartition('-')[2]) + 1}", (
        "not in the log"
    )
    wait_for("the replica's own note", lambda: 'and"this' in (replica.folder / "data/data/master.info").read_text(), 30)
    replica.query("STOP SLAVE; START SLAVE")
    wait_for("a ready replica", lambda: replica.health("ready").returncode == 0, 30)
    primary.query("INSERT INTO app.rows VALUES (1)")
    wait_for("the row", lambda: replica.query("SELECT COUNT(*) FROM app.rows") == "1", 20)
    assert all(pod.server is not None and pod.server.poll() is None for pod in pods)


def test_a_member_that_was_away_takes_it_over_when_it_starts(pods: list[Pod]) -> None:
    primary, replica = pods
    replica.kill()
    change(pods, root="second", replication="second of replication")
    wait_for("the primary's new password", lambda: lets_in(primary, "root", "second"), 30)
    replica.prepare()
    replica.start()
    wait_for("a ready replica", lambda: replica.health("ready").returncode == 0, 30)
    assert lets_in(replica, "root", "second")


def test_a_change_that_was_interrupted_goes_on(pods: list[Pod]) -> None:
    primary, replica = pods
    # The primary's accounts have been changed, and nothing else was noted before it died.
    primary.query(
        "SET sql_log_bin = 0; ALTER USER root@localhost IDENTIFIED BY 'third', root@'%' IDENTIFIED BY 'third'"
    )
    change(pods, root="third")
    wait_for("the new password", lambda: all(lets_in(pod, "root", "third") for pod in pods), 30)
    wait_for("healthy members", lambda: all(pod.health("ready").returncode == 0 for pod in (primary, replica)), 30)


def test_an_upgrade_waits_for_every_member(network: Network, pods: list[Pod]) -> None:
    job = render("charts/mariadb", VALUES)["Job", "database-passwords"]["spec"]["template"]
    waiting = Pod(network, render("charts/mariadb", VALUES), 7, job)
    change([waiting], root="third", replication="second of replication")
    (waiting.folder / "members" / "count").write_text("2")
    done = waiting.run("/opt/mariadb-member/passwords.sh", "await", "2")
    assert done.returncode == 0, done.stdout
    requests = (network.folder / "requests").read_text()
    assert '"openstack-paas/passwords": "2"' in requests.replace('":"', '": "')


def test_the_secret_may_be_as_before(pods: list[Pod]) -> None:
    change(pods, replication=REPLICATION_PASSWORD)
    wait_for("the old one again", lambda: lets_in(pods[0], "replication", REPLICATION_PASSWORD.replace("\\", "\\\\")
             .replace('"', '\\"')), 30)  # fmt: skip
