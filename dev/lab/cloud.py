"""A small client of OpenStack's APIs with the standard library only: a token, a request, and "make it if missing"."""

import json
import urllib.error
import urllib.request
from typing import IO, Any

from dev.errors import DevError
from dev.lab import passwords, places

ADDRESSES = {
    "identity": places.api(places.PORTS.keystone) + "/v3",
    "image": places.api(places.PORTS.glance) + "/v2",
    "network": places.api(places.PORTS.neutron) + "/v2.0",
    "compute": places.api(places.PORTS.nova) + "/v2.1",
}
JSON = {"Content-Type": "application/json"}
Record = dict[str, Any]
Body = Record | IO[bytes] | None


class Cloud:
    """The lab's cloud as its administrator sees it."""

    def __init__(self) -> None:
        self.token = ""

    def log_in(self) -> None:
        """Get a token."""
        default = {"name": "Default"}
        user = {"name": "admin", "domain": default, "password": passwords.load()["administrator"]}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "admin", "domain": default}}
        data = json.dumps({"auth": {"identity": identity, "scope": scope}}).encode()
        url = ADDRESSES["identity"] + "/auth/tokens"
        request = urllib.request.Request(url, method="POST", data=data, headers=JSON)
        with self._open(request, 30) as answer:
            self.token = answer.headers["X-Subject-Token"]

    def call(
        self, method: str, service: str, path: str, body: Body = None, headers: dict[str, str] = JSON, limit: float = 60
    ) -> Any:
        """Send one request with JSON or a file and return the JSON of the response, or None when it is empty."""
        if not self.token:
            self.log_in()
        data = json.dumps(body).encode() if isinstance(body, dict) else body
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
            raise DevError(
                f"{request.method} {request.full_url}: {error.code} {error.read().decode(errors='replace')[:400]}"
            ) from error
        except OSError as error:
            raise DevError(f"{request.method} {request.full_url}: {error}") from error

    def ensure(self, service: str, kind: str, record: Record) -> Record:
        """The record of that kind and name, made if there is none."""
        for found in self.call("GET", service, f"/{kind}s")[f"{kind}s"]:
            if found.get("name") == record["name"]:
                return dict(found)
        return dict(self.call("POST", service, f"/{kind}s", {kind: record})[kind])
