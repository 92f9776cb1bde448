"""Writes to etcd by the API: each number becomes a key of one ConfigMap, so that each can be looked for afterwards."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any

from ops.drill.probes.probe import Probe


class ApiWrite(Probe):
    """One number after the other; a number counts as acknowledged when the API has answered 200."""

    name = "API write"
    interval = 0.25
    timeout = 2.0

    def __init__(self, host: str, port: int, context: ssl.SSLContext, path: str) -> None:
        """`path` is the ConfigMap's in the API; `context` identifies a user who may change it."""
        super().__init__()
        self.host, self.port, self.context, self.path = host, port, context, path
        self.number = 0
        self.numbers: set[int] = set()

    def _request(self, method: str, body: Any = None) -> Any:
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.context)
        try:
            headers = {"Content-Type": "application/merge-patch+json"} if body is not None else {}
            connection.request(method, self.path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise OSError(f"{method} {self.path} answered {answer.status}")
        return json.loads(text)

    def ask(self) -> None:
        """Write the next number."""
        self.number += 1
        self._request("PATCH", {"data": {str(self.number): ""}})
        self.numbers.add(self.number)

    def acknowledged(self) -> set[int]:
        """What the API has acknowledged."""
        return set(self.numbers)

    def kept(self) -> set[int]:
        """What the ConfigMap holds."""
        return {int(key) for key in self._request("GET").get("data") or {}}
