"""The arithmetic of probes, and probes against servers of the test's own."""

import http.server
import json
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ops.drill.probes.http import ApiWrite, Ingress
from ops.drill.probes.probe import Answers, Probe


def test_the_longest_gap_lies_between_good_answers() -> None:
    answers = Answers(good=[1.0, 1.2, 4.2, 4.4], bad=[1.4, 2.4])
    assert answers.longest_gap() == pytest.approx(3.0)
    assert answers.longest_gap(since=4.3) == pytest.approx(0.2), "gaps that ended before do not count"
    assert answers.failed() == 2 and answers.failed(since=2) == 1
    assert answers.first_bad(2.0) == 2.4 and answers.first_bad(3.0) is None


def test_an_outage_that_did_not_end_lasts_until_the_probe_did() -> None:
    assert Answers(good=[1.0, 1.2], bad=[1.4, 9.0], ended=10.0).longest_gap() == pytest.approx(8.8)
    assert Answers(good=[1.0, 1.2], bad=[], ended=10.0).longest_gap() == pytest.approx(0.2)
    assert math.isinf(Answers(bad=[1.0], ended=2.0).longest_gap())


def test_steady_means_the_last_questions_all_went_well() -> None:
    answers = Answers(good=[1.0, 2.0, 3.0], bad=[1.5])
    assert answers.answered_since(0.0, 2) and not answers.answered_since(0.0, 3)
    assert not answers.answered_since(2.5, 2)


def test_questions_side_by_side_do_not_wait_for_a_hanging_one() -> None:
    class Hanging(Probe):
        name, interval, timeout, side_by_side = "hanging", 0.01, 0.2, True

        def ask(self) -> None:
            time.sleep(0.2)

    probe = Hanging()
    probe.start()
    time.sleep(0.35)
    probe.stop()
    assert len(probe.answers.good) > 5, "one after the other it would have been two"


class Api(http.server.BaseHTTPRequestHandler):
    """One ConfigMap, and a page."""

    data: dict[str, str] = {}
    status = 200

    def _answer(self, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer({"data": self.data})

    def do_PATCH(self) -> None:
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        change = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.status == 200:
            self.data.update(change["data"])
        self._answer({"data": self.data})

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing on the screen of the tests."""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server without TLS; the probes' own connections are made to it."""
    monkeypatch.setattr(Api, "data", {})
    monkeypatch.setattr(Api, "status", 200)
    plain = lambda host, port, timeout, context=None: http.client.HTTPConnection(host, port, timeout=timeout)  # noqa: E731
    monkeypatch.setattr(http.client, "HTTPSConnection", plain)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_each_write_is_a_key_and_only_answered_ones_are_acknowledged(port: int) -> None:
    probe = ApiWrite("127.0.0.1", port, None, "/api")  # type: ignore[arg-type]
    probe.ask()
    Api.status = 500
    with pytest.raises(OSError, match="PATCH /api answered 500"):
        probe.ask()
    Api.status = 200
    probe.ask()
    assert probe.acknowledged() == {1, 3}
    assert probe.kept() == {1, 3}
    del Api.data["1"]
    assert probe.acknowledged() - probe.kept() == {1}


def test_visitors_are_served_by_any_answer_of_a_service(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = http.client.HTTPConnection
    monkeypatch.setattr(http.client, "HTTPConnection", lambda host, _, timeout: connect(host, port, timeout=timeout))
    probe = Ingress("127.0.0.1")
    Api.status = 404
    probe.ask()
    Api.status = 503
    with pytest.raises(OSError, match="port 80 answered 503"):
        probe.ask()
