"""Requests to the API: who asks, what is a refusal, what is no answer, and how long somebody asks."""

import base64
import socket
import subprocess
from pathlib import Path

import pytest

from agent.kubernetes_api import ApiError, KubernetesApi, failing
from agent.machine import Failed, NotYet
from tests.unit.agent.fake_machine import FakeClock
from tests.unit.agent.kubernetes_server import KubernetesServer, Reply, Request, certificate, status

NODE = "/api/v1/nodes/a"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def nobody_listens() -> str:
    """An endpoint that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_node_asks_by_its_own_certificate(cluster: KubernetesServer, clock: FakeClock) -> None:
    cluster.node("a")
    assert cluster.api(clock).request("GET", NODE)["metadata"]["name"] == "a"
    assert cluster.asked == [Request("GET", NODE, None, "system:node:a", "application/json")]


def test_a_patch_is_a_merge_patch(cluster: KubernetesServer, clock: FakeClock) -> None:
    cluster.node("a", unschedulable=True)
    api = cluster.api(clock)
    api.patch_node("a", {"spec": {"unschedulable": None}, "metadata": {"labels": {"one": "1"}}})
    assert cluster.objects[NODE]["spec"] == {}
    assert cluster.objects[NODE]["metadata"]["labels"] == {"one": "1"}
    assert cluster.asked[-1].content_type == "application/merge-patch+json"


def test_an_old_version_of_an_object_is_refused(cluster: KubernetesServer, clock: FakeClock) -> None:
    cluster.node("a")
    with pytest.raises(ApiError) as refused:
        cluster.api(clock).ask("PATCH", NODE, {"metadata": {"resourceVersion": "1"}})
    assert refused.value.status == 409
    assert len(cluster.asked) == 1


def test_a_refusal_says_what_the_api_says(cluster: KubernetesServer, clock: FakeClock) -> None:
    cluster.refuse("GET", NODE, status(429, "Cannot evict", "The budget keep needs 1"))
    with pytest.raises(ApiError) as refused:
        cluster.api(clock).request("GET", NODE)
    assert (refused.value.status, str(refused.value)) == (429, "HTTP status 429: Cannot evict The budget keep needs 1")


@pytest.mark.parametrize("answer", [b"", b"no JSON", b"[]", b'{"details": {"causes": [1]}}'])
def test_a_refusal_without_words(cluster: KubernetesServer, clock: FakeClock, answer: bytes) -> None:
    cluster.refuse("GET", NODE, (500, answer))
    with pytest.raises(ApiError, match=r"^HTTP status 500$"):
        cluster.api(clock).request("GET", NODE)


def test_who_has_no_certificate_is_refused(cluster: KubernetesServer, clock: FakeClock) -> None:
    with pytest.raises(ApiError) as refused:
        KubernetesApi(cluster.endpoint, clock, cluster.ca).request("GET", NODE)
    assert refused.value.status == 401


def test_no_answer_has_the_status_0(clock: FakeClock, cluster: KubernetesServer) -> None:
    endpoint = nobody_listens()
    with pytest.raises(ApiError, match=rf"^no answer from {endpoint}: .*refused") as seen:
        KubernetesApi(endpoint, clock, cluster.ca).request("GET", NODE)
    assert seen.value.status == 0


def test_an_api_of_other_authorities_has_not_answered(cluster: KubernetesServer, clock: FakeClock) -> None:
    other = certificate("somebody-else").with_suffix(".crt")
    with pytest.raises(ApiError, match=r"certificate verify failed") as seen:
        KubernetesApi(cluster.endpoint, clock, other).request("GET", NODE)
    assert seen.value.status == 0


@pytest.mark.parametrize("broken", [b'{"half": ', b"[]"])
def test_half_an_answer_is_none(cluster: KubernetesServer, clock: FakeClock, broken: bytes) -> None:
    cluster.refuse("GET", NODE, (200, broken))
    with pytest.raises(ApiError) as seen:
        cluster.api(clock).request("GET", NODE)
    assert seen.value.status == 0


def test_an_answer_that_takes_too_long_is_none(cluster: KubernetesServer) -> None:
    class Late(FakeClock):
        def monotonic(self) -> float:
            self.seconds += 20
            return self.seconds

    cluster.node("a")
    with pytest.raises(ApiError, match=r"no whole answer within 15 s"):
        cluster.api(Late()).request("GET", NODE)


def test_a_certificate_that_cannot_be_used_is_named(
    cluster: KubernetesServer, clock: FakeClock, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    good, none = certificate("system:node:a"), tmp_path / "none"
    for files in ((cluster.ca, empty), (cluster.ca, none, good), (none, good), (none,)):
        with pytest.raises(ApiError, match=rf"cannot use the certificates .*{tmp_path}") as seen:
            KubernetesApi(cluster.endpoint, clock, *files).request("GET", NODE)
        assert seen.value.status == 0


def test_an_api_server_that_is_replaced_is_waited_for(cluster: KubernetesServer, clock: FakeClock) -> None:
    cluster.node("a")
    refusals: list[Reply] = [status(503, "starting"), status(429, "later")]
    cluster.hooks.append(lambda _: refusals.pop() if refusals else None)
    assert cluster.api(clock).ask("GET", NODE)["metadata"]["name"] == "a"
    assert clock.seconds == 1


@pytest.mark.usefixtures("few_looks")
def test_nobody_asks_for_more_than_a_minute(cluster: KubernetesServer, clock: FakeClock) -> None:
    cluster.refuse("GET", NODE, status(500, "broken"))
    with pytest.raises(ApiError, match=r"HTTP status 500: broken"):
        cluster.api(clock).ask("GET", NODE)
    assert clock.seconds == 60


def test_a_refusal_is_final(cluster: KubernetesServer, clock: FakeClock) -> None:
    cluster.refuse("GET", NODE, status(403, "not yours"))
    with pytest.raises(ApiError, match=r"not yours"):
        cluster.api(clock).ask("GET", NODE)
    assert (clock.seconds, len(cluster.asked)) == (0, 1)


def test_a_node_that_is_not_there(cluster: KubernetesServer, clock: FakeClock) -> None:
    api = cluster.api(clock)
    assert api.node("a") is None
    with pytest.raises(Failed, match=rf"cannot read the node a at {api.endpoint}: HTTP status 404"):
        api.read_node("a")
    with pytest.raises(Failed, match=r"cannot change the node a: HTTP status 404"):
        api.patch_node("a", {})
    cluster.refuse("GET", NODE, status(403, "not yours"))
    with pytest.raises(ApiError, match=r"403"):
        api.node("a")


def test_pods_that_cannot_be_listed(cluster: KubernetesServer, clock: FakeClock) -> None:
    cluster.refuse("GET", "/api/v1/pods", status(403, "not yours"))
    with pytest.raises(Failed, match=r"cannot list the pods of the node a: HTTP status 403: not yours"):
        cluster.api(clock).pods_on("a")


def test_an_api_server_that_is_ready(cluster: KubernetesServer, clock: FakeClock) -> None:
    api = KubernetesApi(cluster.endpoint, clock, cluster.ca)
    assert api.is_ready() == "ok (HTTP status 200)"
    cluster.refuse("GET", "/readyz", (500, b"[+]ping ok\n[-]etcd failed\n"))
    with pytest.raises(NotYet, match=r"\[\+\]ping ok \[-\]etcd failed \(HTTP status 500\)"):
        api.is_ready()


def test_an_api_server_that_is_away_is_not_ready(cluster: KubernetesServer, clock: FakeClock) -> None:
    with pytest.raises(NotYet, match=r"no answer"):
        KubernetesApi(nobody_listens(), clock, cluster.ca).is_ready()


def test_an_error_ends_the_run_with_what_was_tried() -> None:
    with pytest.raises(Failed, match=r"^cannot do it: HTTP status 500$"), failing("cannot do it"):
        raise ApiError(500, "HTTP status 500")


def test_a_certificate_is_signed_by_the_cluster(cluster: KubernetesServer, clock: FakeClock, tmp_path: Path) -> None:
    words = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    words += ["-subj", "/O=system:nodes/CN=system:node:b", "-keyout", str(tmp_path / "key")]
    request = subprocess.run(words, check=True, capture_output=True).stdout
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    api = cluster.api(clock)
    spec = {"request": base64.b64encode(request).decode()}
    assert "status" not in api.request("POST", path, {"metadata": {"name": "one"}, "spec": spec})
    certificate = tmp_path / "certificate"
    certificate.write_bytes(base64.b64decode(api.request("GET", f"{path}/one")["status"]["certificate"]))
    assert KubernetesApi(cluster.endpoint, clock, cluster.ca, certificate, tmp_path / "key").node("b") is None
    assert cluster.asked[-1].user == "system:node:b"
