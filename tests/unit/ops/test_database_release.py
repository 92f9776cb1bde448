"""The objects of the database's release, on an API that answers from a table: what may be missing, and what may not."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from ops.database import release as module
from ops.database.release import DatabaseError, Release
from ops.shared.cluster import ClusterError
from ops.shared.outputs import Database

DATABASE = Database("s", "database", "db-mariadb-0", ("db-mariadb-1",), 3306)


class Api:
    """Both APIs: what is in `answers` by the request's name, otherwise a failure with `status`."""

    def __init__(self, status: int, **answers: Any) -> None:
        self.status, self.answers, self.asked = status, answers, list[tuple[Any, ...]]()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def request(*words: Any, **more: Any) -> Any:
            assert more["_request_timeout"] == 10, "no request waits for ever"
            self.asked.append((name, *words))
            if name in self.answers:
                return self.answers[name]
            raise ApiException(status=self.status, reason="Because")

        return request


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "PERIOD", 0)
    yield


def release(monkeypatch: pytest.MonkeyPatch, status: int = 404, **answers: Any) -> tuple[Release, Api]:
    api = Api(status, **answers)
    made = Release(SimpleNamespace(), DATABASE)  # type: ignore[arg-type]
    monkeypatch.setattr(made, "_core", lambda: api)
    monkeypatch.setattr(made, "_batch", lambda: api)
    return made, api


def test_what_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    made, api = release(monkeypatch, list_namespaced_pod=SimpleNamespace(items=[]))
    assert made.configuration("state") is None
    assert made.pod("db-mariadb-0") is None
    made.stop("restore-run")
    assert api.asked[-2:] == [
        ("delete_namespaced_job", "db-mariadb-restore-run", "database"),
        ("list_namespaced_pod", "database"),
    ]


def test_what_may_not_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore that could not write its state down must not go on."""
    made, _ = release(monkeypatch)
    with pytest.raises(ClusterError, match="ConfigMap db-mariadb-state: 404 Because"):
        made.remember(source=None)
    with pytest.raises(ClusterError, match="log of p: 404"):
        made.log("p", "mariadb")
    with pytest.raises(DatabaseError, match=r"no backups: set backups\.database\.enabled"):
        made.schedule()


def test_every_other_failure_is_one_of_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = release(monkeypatch, 500)
    asked: list[Callable[[], Any]] = [
        lambda: made.configuration("state"),
        lambda: made.pod("db-mariadb-0"),
        made.schedule,
        lambda: made.stop("restore-run"),
        lambda: made.replace("db-mariadb-0", 1),
    ]
    for ask in asked:
        with pytest.raises(ClusterError, match="500 Because"):
            ask()


def test_a_job_replaces_the_one_before_and_gets_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    container = SimpleNamespace(env=[client.V1EnvVar(name="BACKUP", value=""), client.V1EnvVar(name="KEPT", value="1")])
    spec = SimpleNamespace(template=SimpleNamespace(spec=SimpleNamespace(containers=[container])))
    cron = SimpleNamespace(spec=SimpleNamespace(job_template=SimpleNamespace(spec=spec, metadata=None)))
    answers = {"read_namespaced_cron_job": cron, "delete_namespaced_job": None, "create_namespaced_job": None}
    made, api = release(monkeypatch, **answers, list_namespaced_pod=SimpleNamespace(items=[]))
    made.start("restore", "restore-run", {"BACKUP": "20261121T110700Z"})
    assert {one.name: one.value for one in container.env} == {"BACKUP": "20261121T110700Z", "KEPT": "1"}
    names = [name for name, *_ in api.asked]
    assert names == [
        *("read_namespaced_cron_job", "delete_namespaced_job", "list_namespaced_pod", "create_namespaced_job"),
    ], "the pods of the one before are gone first"
    assert api.asked[-1][2].metadata.name == "db-mariadb-restore-run"


def test_a_wait_bears_an_api_that_is_away_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = release(monkeypatch)
    answers = iter([ClusterError("away"), "", "there"])

    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert made.wait("it", ask, 60) == "there"
    with pytest.raises(DatabaseError, match="waited 0 s for it"):
        made.wait("it", lambda: "", 0)

    def away() -> str:
        raise ClusterError("away")

    with pytest.raises(ClusterError, match="away"):
        made.wait("it", away, 0)
