"""The stand-in of the official image's entrypoint: the interface that it honours, and what it refuses."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.unit.charts.helm import render
from tests.unit.charts.members.pod import REPLICATION_PASSWORD, ROOT_PASSWORD, Network, Pod, wait_for

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not all(map(shutil.which, ("mariadbd", "socat"))), reason="needs Debian's mariadb-server"),
]
ENTRYPOINT = "docker-entrypoint.sh"
CLIENT = "/run/mysqld/client.cnf"


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Pod]]:
    """Two pods without data, with a client's option file each; no script of the chart runs in them."""
    folder = tmp_path_factory.mktemp("entrypoint")
    folder.chmod(0o755)
    network = Network(folder)
    network.name("127.0.0.10", "first")
    manifests = render("charts/mariadb", {"auth": {"existingSecret": "passwords"}, "server": {"bufferPoolSize": "16M"}})
    pods = [Pod(network, manifests, ordinal) for ordinal in range(2)]
    for pod in pods:
        secret = ROOT_PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        options = f'[client]\nuser = root\npassword = "{secret}"\nsocket = /run/mysqld/mysqld.sock\n'
        (pod.folder / "run" / "client.cnf").write_text(options)
        pod.environment["MARIADB_ROOT_PASSWORD_FILE"] = "/etc/mariadb-passwords/root-password"
        pod.environment["MARIADB_REPLICATION_USER"] = "copy"
        pod.environment["MARIADB_REPLICATION_PASSWORD"] = REPLICATION_PASSWORD
    yield pods
    for pod in pods:
        pod.kill()
    network.close()


def await_answer(pod: Pod, statement: str, answer: str) -> None:
    """The temporary server answers too, on port 0, and is away for a moment before the real one starts."""
    client = ("mariadb", f"--defaults-file={CLIENT}", "--skip-column-names", "--execute", statement)
    wait_for(f"{statement}: {answer}", lambda: pod.run(*client).stdout.strip() == answer, 30)


def test_initialises_with_a_database_a_user_and_scripts(pods: list[Pod]) -> None:
    first = pods[0]
    first.environment |= {"MARIADB_DATABASE": "my_app", "MARIADB_USER": "it's", "MARIADB_PASSWORD": "pass'word"}
    (first.folder / "initialization" / "1.sql").write_text("CREATE TABLE things (id INT PRIMARY KEY)")
    first.start(ENTRYPOINT, "--server-id=1")
    await_answer(first, "SELECT @@port", "3306")
    assert first.query("SHOW TABLES IN my_app") == "things"
    grants = first.query('SHOW GRANTS FOR "it\'s"')
    assert "GRANT ALL PRIVILEGES ON `my\\\\_app`.*" in grants
    assert first.query("SELECT COUNT(*) FROM mysql.user WHERE User = '' OR (User = 'root' AND Host LIKE '127%')") == "0"


def test_data_that_exists_is_left_alone(pods: list[Pod]) -> None:
    first = pods[0]
    first.query("INSERT INTO my_app.things VALUES (1)")
    first.kill()
    first.start(ENTRYPOINT, "mariadbd", "--server-id=1")
    assert first.query("SELECT id FROM my_app.things") == "1"


def test_follows_a_master(pods: list[Pod]) -> None:
    second = pods[1]
    second.environment["MARIADB_MASTER_HOST"] = "first"
    second.start(ENTRYPOINT, "--server-id=2")
    await_answer(second, "SELECT @@port", "3306")
    await_answer(second, "SELECT id FROM my_app.things", "1")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"MARIADB_RANDOM_ROOT_PASSWORD": "1"}, "MARIADB_RANDOM_ROOT_PASSWORD is not honoured"),
        ({"MARIADB_ROOT_PASSWORD": "x", "MARIADB_ROOT_PASSWORD_FILE": "/x"}, "exclude each other"),
        ({"MARIADB_ROOT_PASSWORD_FILE": "/nothing"}, "cannot read /nothing"),
        ({}, "MARIADB_ROOT_PASSWORD is not set"),
    ],
)
def test_refuses(pods: list[Pod], environment: dict[str, str], message: str) -> None:
    pod = pods[1]
    before = pod.environment
    pod.environment = environment
    try:
        done = pod.run(ENTRYPOINT, "mariadbd", "--datadir=/tmp/other")
    finally:
        pod.environment = before
    assert done.returncode == 1
    assert message in done.stdout
