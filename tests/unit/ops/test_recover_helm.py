"""A Helm release that a kill left pending: its record goes, when it is ours and nobody else runs."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from ops.recover import cli
from ops.recover.helm import left_behind
from ops.recover.notes import RecoverError, Release
from ops.shared.cluster import ClusterError
from tests.unit.ops.recover_samples import (
    PORT,
    RELEASE,
    FakeEngine,
    FakeHelm,
    FakeOpenStack,
    Where,
    creating,
    state,
    thing,
)

OURS = Release("database", "mariadb", recorded=True)
RECORDED = {"urn": "urn::mariadb", "type": RELEASE, "id": "database/mariadb"}
SECRET = "sh.helm.release.v1.mariadb.v3"
UPDATE = {"type": "updating", "resource": {"type": RELEASE, "urn": "urn::mariadb", "inputs": {}}}


def test_a_pending_revision_of_a_release_of_ours_is_cleared_under_the_lock() -> None:
    helm, said = FakeHelm(OURS), list[str]()
    where, fake = Where(helm=helm), FakeEngine(state(UPDATE, resources=(RECORDED,)), state(resources=(RECORDED,)))
    assert cli.recover(fake, where, said.append) == 0
    assert helm.asked == (OURS,)
    assert where.kubeconfig == "apiVersion: v1", "of the provider in the state: there may be no outputs yet"
    assert fake.did == ["export", "lock", "export"]
    assert helm.forgotten == ["database/mariadb"]
    assert said[0] == (
        "recover: the revision of database/mariadb was left by an operation that was killed; deleting its record"
    )


def test_a_pending_revision_without_a_note_is_cleared_too() -> None:
    """The plugin alone was killed, or the API was lost in the middle: the engine has then recorded a failure."""
    helm = FakeHelm(OURS)
    fake = FakeEngine(state(resources=(RECORDED,)))
    assert cli.recover(fake, Where(helm=helm), print) == 0
    assert helm.forgotten == ["database/mariadb"]
    assert fake.did == ["export", "lock", "export"]


def test_nothing_is_cleared_while_another_pulumi_runs() -> None:
    helm = FakeHelm(OURS)
    with pytest.raises(RecoverError, match="locked"):
        cli.recover(FakeEngine(state(UPDATE, resources=(RECORDED,)), held="ann@far"), Where(helm=helm), print)
    assert helm.forgotten == []


def test_a_release_that_is_healthy_takes_no_lock() -> None:
    fake = FakeEngine(state(resources=(RECORDED,)))
    assert cli.recover(fake, Where(helm=FakeHelm()), print) == 0
    assert fake.did == ["export"]


def test_a_release_that_only_a_note_names_is_not_recorded() -> None:
    notes = state(creating(RELEASE, name="flannel", namespace="kube-flannel"), resources=(RECORDED,))
    assert notes.releases == (OURS, Release("kube-flannel", "flannel", recorded=False))


def test_a_cluster_that_does_not_answer_matters_only_when_a_note_names_a_release() -> None:
    said: list[str] = []
    away = Where(helm=FakeHelm(away="timed out"))
    assert cli.recover(FakeEngine(state(resources=(RECORDED,))), away, said.append) == 0
    assert "timed out" in said[0] and len(said) == 1
    fake = FakeEngine(state(UPDATE, resources=(RECORDED,)))
    assert cli.recover(fake, away, said.append) == 1
    assert fake.did == ["export"], "the note stays for the next time"
    assert "though an operation on one did not end" in said[1]


def test_the_rest_is_cleared_without_the_cluster_and_the_notes_stay() -> None:
    """`pulumi up` repairs the cluster, and must not fail on a taken address meanwhile."""
    cloud = FakeOpenStack(ports=[thing("p1", "lab-etcd-0")])
    notes = state(UPDATE, creating(PORT, name="lab-etcd-0"), resources=(RECORDED,))
    fake = FakeEngine(notes)
    assert cli.recover(fake, Where(cloud, FakeHelm(away="timed out")), print) == 1
    assert cloud.deleted == ["p1"]
    assert fake.did == ["export", "lock", "export"]


def test_before_destroy_no_cluster_is_asked() -> None:
    where = Where(helm=FakeHelm(away="timed out"))
    fake = FakeEngine(state(UPDATE, resources=(RECORDED,)), state(resources=(RECORDED,)))
    assert cli.recover(fake, where, print, releases=False) == 0
    assert where.kubeconfig == ""
    assert fake.did == ["export", "lock", "export"]


class Api(BaseHTTPRequestHandler):
    """The Secrets of one namespace, as the API lists and deletes them."""

    listed: list[dict[str, Any]] = []
    asked: list[tuple[str, str, Any]] = []
    deletion = 200

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.asked.append(("GET", url.path, parse_qs(url.query)["labelSelector"][0]))
        self._answer(200, {"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": self.listed})

    def do_DELETE(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(("DELETE", self.path, body["preconditions"]))
        self._answer(self.deletion, {"apiVersion": "v1", "kind": "Status", "status": "Success"})

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    """A kubeconfig for it."""
    Api.listed, Api.asked, Api.deletion = [], [], 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    Thread(target=server.serve_forever, daemon=True).start()
    yield kubeconfig(server.server_port)
    server.shutdown()
    server.server_close()


def kubeconfig(port: int) -> str:
    """For an API on the loopback."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


def stuck() -> dict[str, Any]:
    """A pending revision as the API has it."""
    labels = {"owner": "helm", "name": "mariadb", "status": "pending-upgrade", "version": "3"}
    return {"metadata": {"name": SECRET, "uid": "u3", "labels": labels}}


def test_only_pending_revisions_of_recorded_releases_are_asked_for(api: str) -> None:
    Api.listed = [stuck()]
    (one,) = left_behind(api, [OURS])
    assert one.what == "revision 3 of Helm's release database/mariadb (pending-upgrade)"
    assert (one.id, one.doubt) == ("u3", "")
    left_behind(api, [Release("kube-flannel", "flannel", recorded=False)])
    pending = "status in (pending-install, pending-upgrade, pending-rollback)"
    assert Api.asked == [
        ("GET", "/api/v1/namespaces/database/secrets", f"owner=helm,name=mariadb,{pending}"),
        ("GET", "/api/v1/namespaces/kube-flannel/secrets", "owner=helm,name=flannel"),
    ]


@pytest.mark.parametrize("deletion", [200, 404, 409])
def test_the_very_record_goes_and_none_that_came_in_its_place(api: str, deletion: int) -> None:
    Api.listed, Api.deletion = [stuck()], deletion
    (one,) = left_behind(api, [OURS])
    one.delete()
    assert Api.asked[1:] == [("DELETE", f"/api/v1/namespaces/database/secrets/{SECRET}", {"uid": "u3"})]


def test_a_record_that_cannot_be_deleted_is_reported(api: str) -> None:
    Api.listed, Api.deletion = [stuck()], 403
    (one,) = left_behind(api, [OURS])
    with pytest.raises(RecoverError, match=r"revision 3 of .*database/mariadb.* cannot be deleted: 403"):
        one.delete()


def test_nobody_there_is_not_nothing_there() -> None:
    with pytest.raises(ClusterError):
        left_behind(kubeconfig(9), [OURS])
