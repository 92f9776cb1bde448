"""`ops database`: the list of backups, what a restore says and does, and how it continues after an interruption."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ops import __main__ as ops
from ops.database import backups, cli, restore
from ops.database.release import DatabaseError, Pod, Release
from ops.shared.cluster import ClusterError
from ops.shared.outputs import Database, Outputs

LIST = """20261121T100700Z 2097152 aa 0-100-40 mariadb-1 3 s3
20261121T110700Z 2097152 bb 0-100-50 mariadb-1 3 -
"""
NEWEST = "20261121T110700Z"
FOUND = backups.parse({"list": LIST}, "7 * * * *")
TIME = FOUND.found[0].time


class Interrupted(Exception):
    """Stands for a killed command."""


class Cluster:
    """A primary, two replicas and a state; `die_at` ends the command before that step, `broken` the restoring pod."""

    def __init__(self) -> None:
        self.database = Database("s", "database", "mariadb-0", ("mariadb-1", "mariadb-2"), 3306)
        self.state: dict[str, str] | None = {"initialised": "then"}
        self.generations = {"mariadb-0": "", "mariadb-1": "", "mariadb-2": ""}
        self.position = "0-100-57"
        self.away: set[str] = set()
        self.serving = ""
        self.broken = False
        self.die_at = ""
        self.steps: list[str] = []

    def _step(self, name: str) -> None:
        if name == self.die_at:
            self.die_at = ""
            raise Interrupted
        self.steps.append(name)

    def configuration(self, name: str) -> dict[str, str] | None:
        assert name == "state"
        return self.state

    def remember(self, **state: str | None) -> None:
        assert self.state is not None
        self._step("remember " + ",".join(key for key, value in state.items() if value))
        self.state = {key: value for key, value in (self.state | state).items() if value}

    def start(self, cron: str, job: str, environment: Mapping[str, str]) -> None:
        assert cron == "restore"
        self._step("serve " + environment["BACKUP"])
        self.serving = environment["BACKUP"]

    def stop(self, job: str) -> None:
        self._step("stop")
        self.serving = ""

    def pods_of(self, job: str) -> list[Pod]:
        return [Pod("p", "u", "10.1.1.1", not self.broken, "Failed" if self.broken else "Running")]

    def replace(self, name: str, seconds: float) -> None:
        assert self.state is not None
        self._step(name)
        if name == "mariadb-0":
            assert self.state["source"] == "10.1.1.1" and self.serving, "the primary has somebody to take it from"
        else:
            assert "source" not in self.state, "else the replica would wait"
            assert self.generations["mariadb-0"] == self.state["generation"], "else it would copy the old data"
        self.generations[name] = self.state["generation"]

    def log(self, pod: str, container: str) -> list[str]:
        return ["loading", "mariadb-backup: FAILED: its checksum differs"]

    def query(self, pod: str, statement: str) -> str:
        if pod in self.away:
            raise ClusterError("away")
        return self.position if "gtid" in statement else self.generations[pod]

    def wait(self, what: str, ask: Callable[[], Any], seconds: float) -> Any:
        answer = ask()
        assert answer, what
        return answer


def go(cluster: Cluster, wanted: str | None = None) -> restore.Plan:
    todo = restore.plan(cluster, FOUND, wanted, TIME + 60)
    restore.run(cluster, todo, lambda _: None)
    return todo


def test_the_newest_is_restored_everywhere() -> None:
    cluster = Cluster()
    todo = go(cluster)
    assert todo.generation == f"{NEWEST}-{TIME + 60}"
    assert set(cluster.generations.values()) == {todo.generation}
    assert cluster.state == {"initialised": "then", "generation": todo.generation}
    assert cluster.serving == "" and cluster.steps[-1] == "stop"


def test_what_is_lost_is_said() -> None:
    cluster = Cluster()
    text = "\n".join(cli.words(restore.plan(cluster, FOUND, "20261121T100700Z", TIME), TIME))
    assert "Restores 20261121T100700Z, 60 min old, 2.0 MiB" in text
    assert "(17 transactions by the primary's count)" in text
    cluster.away.add("mariadb-0")
    text = "\n".join(cli.words(restore.plan(cluster, FOUND, None, TIME), TIME))
    assert "how many is not known, for the primary does not answer" in text


@pytest.mark.parametrize(
    "step",
    [
        f"serve {NEWEST}",
        "remember generation,pending,source",
        "mariadb-0",
        "remember ",
        "mariadb-1",
        "mariadb-2",
        "stop",
    ],
)
def test_interrupted_anywhere_the_same_command_ends_it(step: str) -> None:
    cluster = Cluster()
    cluster.die_at = step
    with pytest.raises(Interrupted):
        go(cluster)
    primary_had_it = cluster.generations["mariadb-0"]
    # Commits after the primary came back must not be lost by going on.
    cluster.steps.clear()
    go(cluster)
    assert len(set(cluster.generations.values())) == 1
    assert cluster.state is not None and set(cluster.state) == {"initialised", "generation"}
    if primary_had_it and step != "stop":
        assert "mariadb-0" not in cluster.steps and cluster.generations["mariadb-0"] == primary_had_it


def test_a_replica_that_has_it_is_left_alone() -> None:
    cluster = Cluster()
    cluster.die_at = "mariadb-2"
    with pytest.raises(Interrupted):
        go(cluster)
    cluster.steps.clear()
    assert go(cluster).resumed
    assert [step for step in cluster.steps if step.startswith("mariadb")] == ["mariadb-2"]


def test_a_broken_backup_changes_nothing() -> None:
    cluster = Cluster()
    cluster.broken = True
    with pytest.raises(DatabaseError, match=r"nothing has changed: .*its checksum differs"):
        go(cluster)
    assert cluster.state == {"initialised": "then"}
    assert set(cluster.generations.values()) == {""}


def test_a_backup_that_only_the_bucket_has() -> None:
    cluster = Cluster()
    text = "\n".join(cli.words(restore.plan(cluster, FOUND, "20261120T110700Z", TIME), TIME))
    assert "Restores 20261120T110700Z, 24 h 0 min old, which is not on the volume, from the bucket." in text
    go(cluster, "20261120T110700Z")
    assert cluster.steps[0] == "serve 20261120T110700Z"


def test_what_cannot_be_restored_is_refused() -> None:
    cluster = Cluster()
    with pytest.raises(DatabaseError, match=r"there is no backup x; there are: 20261121T110700Z, 20261121T100700Z"):
        restore.plan(cluster, FOUND, "x", TIME)
    with pytest.raises(DatabaseError, match="there is no backup yet"):
        restore.plan(cluster, backups.parse({}, "7 * * * *"), None, TIME)
    cluster.state = None
    with pytest.raises(DatabaseError, match="run `pulumi up` first"):
        restore.plan(cluster, FOUND, None, TIME)


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ("*/15 * * * *", 900),
        ("7 * * * *", 3600),
        ("7 */4 * * *", 14400),
        ("7 0 * * *", 86400),
        ("0 3 * * 1-5", 86400),
    ],
)
def test_interval(schedule: str, seconds: int) -> None:
    assert backups.interval(schedule) == seconds


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.show(FOUND, True, TIME + 1800) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["newest"], document["ageSeconds"], document["late"]) == (NEWEST, 1800, "")
    assert [backup["copied"] for backup in document["backups"]] == ["", "s3"]
    assert [backup["verified"] for backup in document["backups"]] == [True, True]
    assert cli.show(FOUND, False, TIME + 4 * 3600) == 1
    assert "the newest backup is 4 h 0 min old; one is due every 60 min" in capsys.readouterr().out
    failed = backups.parse({"failure": "20261121T120700Z the dump broke off"}, "7 * * * *")
    assert cli.show(failed, False, TIME) == 1
    assert "the dump broke off" in capsys.readouterr().out


@pytest.mark.parametrize(("error", "status"), [(DatabaseError("no backups"), 2), (ClusterError("away"), 1)])
def test_a_refusal_is_not_a_cluster_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, status: int
) -> None:
    def failing(*_: object) -> None:
        raise error

    database = Database("s", "database", "mariadb-0", (), 3306)
    monkeypatch.setattr("ops.shared.outputs.load", lambda *_: Outputs("https://a", "", "", "", (), database, {}))
    monkeypatch.setattr(Release, "configuration", failing)
    assert ops.main(["database", "restore", "--yes"]) == status
    assert capsys.readouterr().err == f"{error}\n"
