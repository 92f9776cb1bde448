"""Answers that no healthy etcd gives, from a small server that says what the test wants."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agent import etcd_lock, etcd_snapshot
from agent.etcd_http import PRECONDITION, UNAVAILABLE, UNKNOWN, EtcdError, EtcdHttp, NoAnswer
from tests.unit.agent.fake_machine import FakeClock

LEARNER = (400, {"code": 9, "message": "etcdserver: rpc not supported for learner"})
TIMED_OUT = (503, {"code": 14, "message": "etcdserver: request timed out"})
STOPPED = (503, {"code": 14, "message": "etcdserver: server stopped"})
REFUSED = (400, {"code": 9, "message": "etcdserver: too many learner members in cluster"})
GOOD = (200, {"fine": "yes"})


class Server(HTTPServer):
    """Answers `status` and `body` to everything, and counts."""

    status = 200
    body = b""
    #: How long the answer claims to be; a negative number: as long as it is.
    claimed = -1
    asked = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        #: Answers to other paths than all the rest.
        self.paths: dict[str, bytes] = {}

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def say(self, status: int, body: object, claimed: int = -1) -> None:
        self.status, self.claimed = status, claimed
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        self.send_response(self.server.status)
        claimed, body = self.server.claimed, self.server.paths.get(self.path, self.server.body)
        self.send_header("Content-Length", str(len(body) if claimed < 0 else claimed))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    both = Server(), Server()
    for server in both:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield both
    for server in both:
        server.shutdown()
        server.server_close()


def http(servers: tuple[Server, Server]) -> EtcdHttp:
    return EtcdHttp([server.endpoint for server in servers], None, 5)


@pytest.mark.parametrize("first", [LEARNER, TIMED_OUT, STOPPED])
def test_what_is_passing_is_asked_of_the_next(servers: tuple[Server, Server], first: tuple[int, object]) -> None:
    servers[0].say(*first)
    servers[1].say(*GOOD)
    assert http(servers).call("/path", {}) == GOOD[1]


@pytest.mark.parametrize("first", [TIMED_OUT, STOPPED, (200, b'{"cut')])
def test_what_may_have_been_done_is_not_asked_of_the_next(
    servers: tuple[Server, Server], first: tuple[int, object]
) -> None:
    servers[0].say(*first)
    servers[1].say(*GOOD)
    with pytest.raises(NoAnswer):
        http(servers).call("/path", {}, repeatable=False)
    assert servers[1].asked == 0


def test_what_a_learner_refuses_has_not_been_done(servers: tuple[Server, Server]) -> None:
    servers[0].say(*LEARNER)
    servers[1].say(*GOOD)
    assert http(servers).call("/path", {}, repeatable=False) == GOOD[1]
    servers[1].say(*LEARNER)
    with pytest.raises(EtcdError, match="learner") as seen:
        http(servers).call("/path", {}, repeatable=False)
    assert seen.value.code == UNAVAILABLE and not isinstance(seen.value, NoAnswer)


def test_a_refusal_counts_at_once(servers: tuple[Server, Server]) -> None:
    servers[0].say(*REFUSED)
    with pytest.raises(EtcdError, match=r"^etcdserver: too many learner") as seen:
        http(servers).call("/path", {})
    assert seen.value.code == PRECONDITION and not isinstance(seen.value, NoAnswer)
    assert servers[1].asked == 0


def test_it_may_have_been_done_is_what_counts_of_several(servers: tuple[Server, Server]) -> None:
    servers[0].say(*TIMED_OUT)
    servers[1].say(*LEARNER)
    with pytest.raises(NoAnswer, match="timed out; etcdserver: rpc not supported"):
        http(servers).call("/path", {})
    servers[1].say(*REFUSED)
    with pytest.raises(EtcdError) as seen:
        http(servers).call("/path", {})
    assert seen.value.code == PRECONDITION


@pytest.mark.parametrize(
    ("status", "body", "code", "text"),
    [
        (400, {"error": "etcdserver: x", "code": 9, "message": "etcdserver: x"}, PRECONDITION, "etcdserver: x"),
        (400, {"error": "etcdserver: old", "code": 9}, PRECONDITION, "etcdserver: old"),
        (404, b"404 page not found\n", UNKNOWN, "HTTP 404: 404 page not found"),
        (500, b"[]", UNKNOWN, "HTTP 500: []"),
    ],
)
def test_forms_of_refusals(servers: tuple[Server, Server], status: int, body: object, code: int, text: str) -> None:
    servers[0].say(status, body)
    with pytest.raises(EtcdError) as seen:
        http(servers).call("/path", {})
    assert (seen.value.code, seen.value.text) == (code, text)


def blob(data: bytes) -> bytes:
    return json.dumps({"result": {"blob": base64.b64encode(data).decode()}}).encode() + b"\n"


DATA = bytes(range(256)) * 40
DIGEST = hashlib.sha256(DATA).digest()
WHOLE = blob(DATA) + blob(DIGEST)


@pytest.mark.parametrize("cut", [1, 100, 256 * 40 - 1])
def test_a_snapshot_in_any_parts(servers: tuple[Server, Server], tmp_path: Path, cut: int) -> None:
    data = DATA + DIGEST
    servers[0].say(200, blob(data[:cut]) + blob(b"") + blob(data[cut:]))
    etcd_snapshot.save(http(servers), tmp_path / "snapshot.db")
    assert (tmp_path / "snapshot.db").read_bytes() == data


@pytest.mark.parametrize(
    ("body", "claimed", "text"),
    [
        (blob(DATA), -1, "not whole"),
        (b"", -1, "stream is empty"),
        (blob(DATA)[:-5], -1, "broke off"),
        (blob(DATA) + b'{"result":{"blob":"?"}}\n', -1, "not base64"),
        (blob(DATA) + b'{"error":{"code":14,"message":"transport is closing"}}\n', -1, "transport is closing"),
        (blob(DATA) + b'{"error":{"grpc_code":1,"message":"canceled"}}\n', -1, "canceled"),
        (blob(DATA[:100]), 10_000, "not whole"),
    ],
)
def test_a_snapshot_that_is_not_whole_leaves_nothing(
    servers: tuple[Server, Server], tmp_path: Path, body: bytes, claimed: int, text: str
) -> None:
    servers[0].say(200, body, claimed)
    (tmp_path / "snapshot.db").write_text("the old one")
    with pytest.raises(NoAnswer, match=text):
        etcd_snapshot.save(EtcdHttp([servers[0].endpoint], None, 5), tmp_path / "snapshot.db")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"snapshot.db": "the old one"}


def test_a_stream_is_taken_from_the_next_until_it_begins(servers: tuple[Server, Server], tmp_path: Path) -> None:
    servers[0].say(*LEARNER)
    servers[1].say(200, WHOLE)
    etcd_snapshot.save(http(servers), tmp_path / "snapshot.db")
    assert (tmp_path / "snapshot.db").read_bytes() == DATA + DIGEST


def test_a_learner_gives_no_lock(servers: tuple[Server, Server]) -> None:
    """It passes: it is asked until the time is over. Nobody holds the lock, and etcd has answered."""
    servers[0].say(*LEARNER)
    etcd = EtcdHttp([servers[0].endpoint], None, 5, FakeClock())
    text = "within 2 s: etcdserver: rpc not supported"
    with pytest.raises(EtcdError, match=text) as seen, etcd_lock.hold(etcd, "name", 2, 30):
        pass
    assert type(seen.value) is EtcdError and servers[0].asked == 5


def test_a_lock_whose_key_is_gone_at_once(servers: tuple[Server, Server]) -> None:
    """Its lease ended between the two requests: the empty queue is not its turn."""
    servers[0].say(200, {})
    servers[0].paths = {
        "/v3/lease/grant": b'{"ID":"5","TTL":"30"}',
        "/v3/kv/txn": b'{"header":{"revision":"7"},"succeeded":true}',
    }
    etcd = EtcdHttp([servers[0].endpoint], None, 5, FakeClock())
    with pytest.raises(EtcdError, match="ended while this one waited"), etcd_lock.hold(etcd, "name", 1, 30):
        pass


def test_a_member_without_a_leader_has_not_ended_a_lease(servers: tuple[Server, Server]) -> None:
    """An error in the stream is no answer about the lease."""
    servers[0].say(200, b'{"error":{"code":14,"message":"etcdserver: no leader"}}')
    servers[0].paths = {"/v3/lease/grant": b'{"ID":"5","TTL":"30"}'}
    lock = etcd_lock.Lock(EtcdHttp([servers[0].endpoint], None, 5, FakeClock()), "name", 30)
    with pytest.raises(EtcdError, match="no leader"):
        lock.renew()
    lock.check()
    servers[0].paths["/v3/lease/keepalive"] = b'{"result":{"ID":"5"}}'
    lock.renew()
    with pytest.raises(etcd_lock.LockLost, match="its lease has ended"):
        lock.check()
    lock.end()
