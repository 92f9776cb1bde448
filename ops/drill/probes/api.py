"""Reads: asks the API whether it is ready, each time over a new TLS connection."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from ops.drill.probes.probe import Answers, Probe
from settings import ports


class ApiRead(Probe):
    """`GET /readyz`: without a load on etcd, and new each time, as a client that comes from outside."""

    name = "API read"
    side_by_side = True

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__()
        self.host, self.port, self.context = host, port, context

    def ask(self) -> None:
        """One connection, one answer."""
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.context)
        try:
            connection.request("GET", "/readyz")
            status = connection.getresponse().status
        finally:
            connection.close()
        if status != 200:
            raise OSError(f"/readyz answered {status}")


@contextmanager
def probing(host: str, certificate_authority: str) -> Iterator[Answers]:
    """Ask the API at `host` while the block runs. `certificate_authority` is PEM."""
    probe = ApiRead(host, ports.API, ssl.create_default_context(cadata=certificate_authority))
    probe.start()
    try:
        yield probe.answers
    finally:
        probe.stop()
