"""The Kubernetes API: JSON over HTTPS, as the owner of a certificate or as nobody.

Each request is a connection of its own, straight to the endpoint: a proxy of the machine is for the way out. Files of
certificates are read for each request, since the kubelet replaces its own while a run goes on.
"""

import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agent.clock import Clock
from agent.machine import Failed, NotYet

Object = dict[str, Any]

#: Seconds for a connection with its handshake, for a request in all, and for one that a probe repeats.
CONNECT_SECONDS, REQUEST_SECONDS, PROBE_SECONDS = 4.0, 15.0, 4.0
#: Seconds for which `ask` repeats a request, and between two: an API server may just be replaced.
ASK_SECONDS, ASK_AGAIN_SECONDS = 60.0, 0.5
NODES: Final = "/api/v1/nodes"
CONTROL_PLANES: Final = f"{NODES}?labelSelector=node-role.kubernetes.io%2Fcontrol-plane"
#: kubeadm publishes this for everyone to read, after everything that a joining node or an administrator needs.
CLUSTER_INFO: Final = "/api/v1/namespaces/kube-public/configmaps/cluster-info"


class ApiError(Exception):
    """The API refused, or did not answer. `status` is HTTP's, 0 without an answer; what was asked may be done then."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@contextlib.contextmanager
def failing(what: str) -> Iterator[None]:
    """An ApiError inside ends the run: `what` reads before it, as in "cannot read the node a"."""
    try:
        yield
    except ApiError as error:
        raise Failed(f"{what}: {error}") from error


@contextlib.contextmanager
def probing() -> Iterator[None]:
    """An ApiError inside a probe means that it has to look again."""
    try:
        yield
    except ApiError as error:
        raise NotYet(str(error)) from error


def pods_path(node: str) -> str:
    """Where the pods of a node are listed. A node may list its own in this way only."""
    return f"/api/v1/pods?fieldSelector=spec.nodeName%3D{node}"


def node_path(node: str) -> str:
    """Where a node's object is."""
    return f"{NODES}/{node}"


def name_of(found: Object) -> str:
    """The name of an object."""
    return str(found["metadata"]["name"])


def readiness(found: Object) -> str:
    """What the object of a node or a pod says in its condition Ready."""
    conditions = (found.get("status") or {}).get("conditions") or []
    return next((str(one.get("status")) for one in conditions if one.get("type") == "Ready"), "None")


def is_ready(found: Object) -> bool:
    """Whether a node or a pod is ready by its object."""
    return readiness(found) == "True"


def annotated(found: Object, annotation: str) -> Object:
    """The record in an annotation; empty where there is none, or where nobody can read it."""
    try:
        record = json.loads((found["metadata"].get("annotations") or {}).get(annotation) or "{}")
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def compact(record: Object) -> str:
    """A record as an annotation or a message has it."""
    return json.dumps(record, separators=(",", ":"))


class KubernetesApi:
    """One API server, or what balances several."""

    def __init__(
        self, endpoint: str, clock: Clock, ca: Path, certificate: Path | None = None, key: Path | None = None
    ) -> None:
        """`endpoint` is host:port, all else PEM files: the authorities of its certificate, and the certificate and key
        of who asks, which may be one file. Without them requests are anonymous.
        """
        self.endpoint, self.clock, self.ca, self.certificate, self.key = endpoint, clock, ca, certificate, key

    def request(self, method: str, path: str, body: object = None, seconds: float = REQUEST_SECONDS) -> Object:
        """The answer to one request, which is a JSON object. Raises ApiError. A PATCH is a JSON merge patch."""
        data = None if body is None else json.dumps(body).encode()
        status, answer = self._exchange(method, path, data, seconds)
        if not 200 <= status < 300:
            raise ApiError(status, _refusal(status, answer))
        try:
            value = json.loads(answer or b"{}")
        except ValueError:
            # An answer that was cut off is none.
            raise ApiError(0, f"no whole answer to {method} {path}") from None
        if not isinstance(value, dict):
            raise ApiError(0, f"the answer to {method} {path} is not an object")
        return value

    def ask(self, method: str, path: str, body: object = None) -> Object:
        """The same, for a minute (so it may be done more than once) unless the API refuses. 429 means later."""
        began = self.clock.monotonic()
        while True:
            try:
                return self.request(method, path, body)
            except ApiError as error:
                refused = 400 <= error.status < 500 and error.status != 429
                if refused or self.clock.monotonic() - began >= ASK_SECONDS:
                    raise
            self.clock.sleep(ASK_AGAIN_SECONDS)

    def is_ready(self) -> str:
        """What an API server says that is ready. Raises NotYet with what was seen otherwise."""
        with probing():
            status, answer = self._exchange("GET", "/readyz", None, PROBE_SECONDS)
        seen = f"{' '.join(answer.decode(errors='replace').split())} (HTTP status {status})"
        if status != 200:
            raise NotYet(seen)
        return seen

    def node(self, name: str) -> Object | None:
        """A node's object, None where the cluster has no such node. Raises ApiError."""
        try:
            return self.ask("GET", node_path(name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def read_node(self, name: str) -> Object:
        """The object of a node that has to exist. Raises Failed."""
        with failing(f"cannot read the node {name} at {self.endpoint}"):
            return self.ask("GET", node_path(name))

    def patch_node(self, name: str, patch: Object) -> None:
        """Changes a node's object by a JSON merge patch. Raises Failed."""
        with failing(f"cannot change the node {name}"):
            self.ask("PATCH", node_path(name), patch)

    def annotate_node(self, name: str, annotation: str, record: Object | None) -> None:
        """Writes a record to an annotation of a node, or removes it. Raises Failed."""
        text = None if record is None else compact(record)
        self.patch_node(name, {"metadata": {"annotations": {annotation: text}}})

    def nodes(self, path: str = NODES) -> list[Object]:
        """Nodes of the cluster, or its CONTROL_PLANES. Raises Failed."""
        with failing(f"cannot list the nodes at {self.endpoint}"):
            return items(self.ask("GET", path))

    def pods_on(self, node: str) -> list[Object]:
        """The pods of a node, asked for a minute. Raises Failed."""
        with failing(f"cannot list the pods of the node {node}"):
            return items(self.ask("GET", pods_path(node)))

    def _exchange(self, method: str, path: str, data: bytes | None, seconds: float) -> tuple[int, bytes]:
        """Status and body of one answer. Raises ApiError with status 0 where there is none."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        deadline = self.clock.monotonic() + seconds
        context = self._context()
        host, _, port = self.endpoint.rpartition(":")
        connection = http.client.HTTPSConnection(
            host.strip("[]"), int(port), timeout=min(CONNECT_SECONDS, seconds), context=context
        )
        try:
            connection.connect()
            # A response that says "Connection: close" takes the socket out of the connection.
            socket = connection.sock
            socket.settimeout(seconds)
            connection.request(method, path, data, {"Content-Type": kind, "Accept": "application/json"})
            response = connection.getresponse()
            parts = []
            while part := response.read1(1 << 16):
                parts.append(part)
                left = deadline - self.clock.monotonic()
                if left <= 0:
                    raise TimeoutError(f"no whole answer within {seconds:.0f} s")
                socket.settimeout(left)
            return response.status, b"".join(parts)
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(0, f"no answer from {self.endpoint}: {error or type(error).__name__}") from error
        finally:
            connection.close()

    def _context(self) -> ssl.SSLContext:
        """TLS with these authorities and this certificate.

        Not ssl.create_default_context: from Python 3.13 that refuses authorities without extensions that older
        releases of Kubernetes and of pulumi-tls leave out.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=self.ca)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except OSError as error:
            who = f"{self.certificate} with {self.ca}" if self.certificate else str(self.ca)
            raise ApiError(0, f"cannot use the certificates {who}: {error}") from error
        return context


def items(listed: Object) -> list[Object]:
    """The objects in a list of the API."""
    return list(listed.get("items") or [])


def _refusal(status: int, answer: bytes) -> str:
    """What the API says about a refusal: its message, and the causes behind it, such as the name of a budget."""
    try:
        said = json.loads(answer)
        causes = (said.get("details") or {}).get("causes") or []
        words = [said.get("message"), *(cause.get("message") for cause in causes)]
        text = " ".join(word for word in words if word)
    except (ValueError, AttributeError, TypeError):
        text = ""
    return f"HTTP status {status}" + (f": {text}" if text else "")
