"""A small client of OpenStack's APIs with the standard library only: a token, a request, and "make it if missing"."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import IO, Any

from dev.lab import passwords, places
from dev.lab.errors import LabError

ADDRESSES = {
    "identity": places.api(places.PORTS.keystone) + "/v3",
    "image": places.api(places.PORTS.glance) + "/v2",
    "network": places.api(places.PORTS.neutron) + "/v2.0",
    "compute": places.api(places.PORTS.nova) + "/v2.1",
}
Record = dict[str, Any]


class Cloud:
    """The lab's cloud as its administrator sees it."""

    def __init__(self) -> None:
        self.token = ""

    def log_in(self) -> None:
        """Get a token."""
        identity = {
            "methods": ["password"],
            "password": {
                "user": {"name": "admin", "domain": {"name": "Default"}, "password": passwords.load()["administrator"]}
            },
        }
        scope = {"project": {"name": "admin", "domain": {"name": "Default"}}}
        request = urllib.request.Request(
            ADDRESSES["identity"] + "/auth/tokens",
            method="POST",
            data=json.dumps({"auth": {"identity": identity, "scope": scope}}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with self._open(request, 30) as answer:
            self.token = answer.headers["X-Subject-Token"]

    def call(self, method: str, service: str, path: str, body: Any = None, limit: float = 60) -> Any:
        """Send one request with a JSON body and return the JSON of the response, or None when it is empty."""
        headers = {"Content-Type": "application/json"}
        return self.send(method, service, path, None if body is None else json.dumps(body).encode(), headers, limit)

    def send(
        self,
        method: str,
        service: str,
        path: str,
        data: bytes | IO[bytes] | None,
        headers: dict[str, str],
        limit: float,
    ) -> Any:
        """Send one request with any body."""
        if not self.token:
            self.log_in()
        headers = {"X-Auth-Token": self.token, "X-OpenStack-Nova-API-Version": "2.87", **headers}
        request = urllib.request.Request(ADDRESSES[service] + path, method=method, data=data, headers=headers)
        with self._open(request, limit) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    @staticmethod
    def _open(request: urllib.request.Request, limit: float) -> Any:
        try:
            return urllib.request.urlopen(request, timeout=limit)
        except urllib.error.HTTPError as error:
            raise LabError(
                f"{request.method} {request.full_url}: {error.code} {error.read().decode(errors='replace')[:400]}"
            ) from error
        except OSError as error:
            raise LabError(f"{request.method} {request.full_url}: {error}") from error

    def ensure(self, service: str, path: str, kind: str, plural: str, record: Record) -> Record:
        """The record with that name, made if there is none."""
        for found in self.call("GET", service, path)[plural]:
            if found.get("name") == record["name"]:
                return dict(found)
        return dict(self.call("POST", service, path, {kind: record})[kind])
