"""Looks at a gateway over the network, against a real server on loopback."""

import shlex
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agent.gateway.rolling_restart import check_api, check_balancer
from agent.machine import NotYet

PATHS: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that its server has."""

    def do_GET(self) -> None:
        PATHS.append(self.path)
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *words: object) -> None:
        del words


@contextmanager
def server(status: int, certificate: Path | None = None) -> Iterator[int]:
    one = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.status = status  # type: ignore[attr-defined]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        one.socket = context.wrap_socket(one.socket, server_side=True)
    threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield one.server_port
    finally:
        one.shutdown()
        one.server_close()


def test_a_balancer(monkeypatch: pytest.MonkeyPatch) -> None:
    # No proxy is asked.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with server(200) as port:
        check_balancer("127.0.0.1", port)
    assert PATHS[-1] == "/healthz"
    with server(503) as port, pytest.raises(NotYet, match=f"no haproxy answers at 127.0.0.1:{port}: HTTP 503"):
        check_balancer("127.0.0.1", port)
    with pytest.raises(NotYet, match="refused"):
        check_balancer("127.0.0.1", port)


def test_an_api_whose_certificate_nobody_knows(tmp_path: Path) -> None:
    pem = tmp_path / "pem"
    words = shlex.split("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=api")
    subprocess.run(["openssl", *words, "-keyout", pem, "-out", tmp_path / "crt"], check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + (tmp_path / "crt").read_bytes())
    with server(200, pem) as port:
        check_api("127.0.0.1", port)
    assert PATHS[-1] == "/readyz"
    with server(500, pem) as port, pytest.raises(NotYet, match=r"the API does not answer at .*: HTTP 500"):
        check_api("127.0.0.1", port)
    # What is no TLS is no API.
    with server(200) as port, pytest.raises(NotYet, match="the API does not answer"):
        check_api("127.0.0.1", port)
