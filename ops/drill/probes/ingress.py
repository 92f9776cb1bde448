"""Requests by the gateways' port 80 to the workers, as a visitor of the platform makes them."""

from __future__ import annotations

import http.client

from ops.drill.probes.probe import Probe


class Ingress(Probe):
    """`GET /` over a new connection each time; any answer below 500 is one of a service that works."""

    name = "ingress"
    side_by_side = True
    timeout = 2.0

    def __init__(self, host: str) -> None:
        super().__init__()
        self.host = host

    def ask(self) -> None:
        """One connection, one answer."""
        connection = http.client.HTTPConnection(self.host, 80, timeout=self.timeout)
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
        finally:
            connection.close()
        if status >= 500:
            raise OSError(f"port 80 answered {status}")
