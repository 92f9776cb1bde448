"""Probes by HTTP: reads and writes of the API, and port 80 of the gateways as a visitor asks it."""

import http.client
import json
import ssl
import tempfile
from base64 import b64decode
from contextlib import closing
from typing import Any

import yaml

from ops.drill.probes.probe import Probe, WriteProbe


def client_context(kubeconfig: str) -> ssl.SSLContext:
    """What a client needs that acts as the kubeconfig's user. The key is on disk only while it is read."""
    document = yaml.safe_load(kubeconfig)
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    context = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile(prefix="openstack-paas-drill-") as pair:
        pair.write(b64decode(user["client-certificate-data"]) + b"\n" + b64decode(user["client-key-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


class ApiRead(Probe):
    """`GET /readyz`: without a load on etcd, and over a new TLS connection each time, as a client from outside."""

    name = "API read"
    side_by_side = True

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__()
        self.host, self.port, self.context = host, port, context

    def ask(self) -> None:
        """One connection, one answer."""
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.context)
        with closing(connection):
            connection.request("GET", "/readyz")
            status = connection.getresponse().status
        if status != 200:
            raise OSError(f"/readyz answered {status}")


class ApiWrite(WriteProbe):
    """Each number becomes a key of one ConfigMap, so that each can be looked for in etcd afterwards."""

    name = "API write"
    timeout = 2.0

    def __init__(self, host: str, port: int, context: ssl.SSLContext, path: str) -> None:
        """`path` is the ConfigMap's in the API; `context` identifies a user who may change it."""
        super().__init__()
        self.host, self.port, self.context, self.path = host, port, context, path

    def _request(self, method: str, body: Any = None) -> Any:
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.context)
        with closing(connection):
            headers = {"Content-Type": "application/merge-patch+json"} if body is not None else {}
            connection.request(method, self.path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        if answer.status != 200:
            raise OSError(f"{method} {self.path} answered {answer.status}")
        return json.loads(text)

    def write(self, number: int) -> None:
        """Add the key; the API has acknowledged it when it answers 200."""
        self._request("PATCH", {"data": {str(number): ""}})

    def kept(self) -> set[int]:
        """What the ConfigMap holds."""
        return {int(key) for key in self._request("GET").get("data") or {}}


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
        with closing(http.client.HTTPConnection(self.host, 80, timeout=self.timeout)) as connection:
            connection.request("GET", "/")
            status = connection.getresponse().status
        if status >= 500:
            raise OSError(f"port 80 answered {status}")
