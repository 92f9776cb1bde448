"""A Kubernetes API for tests: HTTPS on loopback, client certificates, objects in memory.

It speaks what the agent asks for: objects and their lists, merge patches with resourceVersion, evictions with
budgets, requests for certificates.
"""

import base64
import contextlib
import copy
import functools
import json
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from agent.clock import Clock
from agent.kubernetes_api import KubernetesApi

Object = dict[str, Any]
Reply = tuple[int, Object | bytes]
#: Who may ask what without a certificate.
_PUBLIC = ("/readyz", "/api/v1/namespaces/kube-public/configmaps/cluster-info")


@dataclass(frozen=True)
class Request:
    """One request: `user` is the common name of the client's certificate."""

    method: str
    path: str
    body: Any = None
    user: str = ""
    content_type: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@functools.cache
def _pki() -> Path:
    """A folder with an authority; it lives as long as the test run."""
    folder = Path(tempfile.mkdtemp(prefix="kubernetes-server-"))
    _openssl(folder, "ca", "/CN=kubernetes", "-addext", "basicConstraints=critical,CA:true")
    return folder


@functools.cache
def certificate(user: str, *names: str) -> Path:
    """A file with a certificate of the authority and its key."""
    folder = _pki()
    file = user.replace(":", "-").replace("/", "-")
    more = [word for name in names for word in ("-addext", f"subjectAltName={name}")]
    _openssl(folder, file, f"/CN={user}", "-CA", "ca.crt", "-CAkey", "ca.key", *more)
    both = folder / f"{file}.pem"
    both.write_text((folder / f"{file}.crt").read_text() + (folder / f"{file}.key").read_text())
    return both


def _openssl(folder: Path, name: str, subject: str, *more: str) -> None:
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"]
    words += ["-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.crt", *more]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


def sign(request: bytes) -> bytes:
    """The certificate that was requested, in PEM."""
    words = ["openssl", "x509", "-req", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "9"]
    return subprocess.run(words, cwd=_pki(), input=request, check=True, capture_output=True).stdout


def merged(old: Any, patch: Any) -> Any:
    """The JSON merge patch of RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def status(code: int, message: str, *causes: str) -> Reply:
    """A refusal as the API words it."""
    details = {"causes": [{"message": cause} for cause in causes]} if causes else {}
    return code, {"kind": "Status", "code": code, "message": message, "details": details}


@dataclass
class KubernetesServer:
    """Objects by path. A test may change them at any time, and look at what was asked."""

    objects: dict[str, Object] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    budgets: dict[str, int] = field(default_factory=dict)
    """How often the eviction of a pod is refused, by its name."""
    lingering: set[str] = field(default_factory=set)
    """Names of pods that are only marked as ending when they are evicted."""
    hooks: list[Callable[[Request], Reply | None]] = field(default_factory=list)
    """The first that answers has answered. Those that return None have only looked."""
    signs: bool = True
    """Whether requests for certificates are signed, by the authority of the API's certificate."""
    endpoint: str = ""
    version: int = 100

    # What a test puts in.

    def put(self, path: str, value: Object) -> Object:
        """Puts an object where it belongs."""
        self.version += 1
        value = copy.deepcopy(value)
        value.setdefault("metadata", {})["resourceVersion"] = str(self.version)
        self.objects[path] = value
        return value

    def node(self, name: str, ready: str = "True", annotations: Object | None = None, **spec: Any) -> Object:
        """A node."""
        conditions = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}]
        info = {"conditions": conditions, "nodeInfo": {"kubeletVersion": "v1.36.5"}}
        metadata = {"name": name, "uid": f"uid-{name}", "annotations": annotations or {}, "labels": {}}
        return self.put(f"/api/v1/nodes/{name}", {"metadata": metadata, "spec": spec, "status": info})

    def pod(self, name: str, owner: str = "ReplicaSet", node: str = "a", claim: str = "", **more: Any) -> Object:
        """A pod of the namespace default that runs; `more` are values of its metadata or status."""
        metadata: Object = {"namespace": "default", "name": name, "uid": f"uid-{name}"}
        if owner:
            metadata["ownerReferences"] = [{"kind": owner, "controller": True}]
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
        state = {
            "phase": more.pop("phase", "Running"),
            "conditions": [{"type": "Ready", "status": more.pop("ready", "True")}],
        }
        spec = {"nodeName": node, "volumes": volumes, "containers": [{"name": "main"}]}
        pod = {"metadata": metadata | more, "spec": spec, "status": state}
        return self.put(f"/api/v1/namespaces/default/pods/{name}", pod)

    def refuse(self, method: str, path: str, reply: Reply) -> None:
        """Answers requests of that method whose path begins so."""
        self.hooks.append(lambda asked: reply if asked.method == method and asked.path.startswith(path) else None)

    # What a test looks at.

    @property
    def changes(self) -> list[str]:
        """Requests that are not only for reading, in short: method, and the last words of the path."""
        return [f"{one.method} {one.path.split('/', 3)[-1]}" for one in self.asked if one.method != "GET"]

    @property
    def evicted(self) -> list[str]:
        """Names of pods that were asked to leave, in order."""
        return [one.path.split("/")[-2] for one in self.asked if one.path.endswith("/eviction")]

    @property
    def ca(self) -> Path:
        """The authority of the API's certificate."""
        return _pki() / "ca.crt"

    def api(self, clock: Clock, user: str = "system:node:a") -> KubernetesApi:
        """The API as that user."""
        return KubernetesApi(self.endpoint, clock, self.ca, certificate(user))

    # What it answers.

    def answer(self, asked: Request) -> Reply:
        self.asked.append(asked)
        for hook in self.hooks:
            if reply := hook(asked):
                return reply
        path, _, query = asked.path.partition("?")
        if not asked.user and path not in _PUBLIC:
            return status(401, "Unauthorized")
        if path == "/readyz":
            return 200, b"ok"
        if path.endswith("/eviction"):
            return self._evict(path.removesuffix("/eviction"), asked.body)
        if asked.method == "POST":
            made = self.put(f"{path}/{asked.body['metadata']['name']}", asked.body)
            if path.endswith("/certificatesigningrequests") and self.signs:
                # The answer has no certificate yet, whoever looks later finds it.
                signed = sign(base64.b64decode(asked.body["spec"]["request"]))
                made["status"] = {"certificate": base64.b64encode(signed).decode()}
            return 201, asked.body
        if asked.method == "GET" and path not in self.objects and _is_list(path):
            return 200, {"kind": "List", "items": self._listed(path, query)}
        if path not in self.objects:
            return status(404, f"{path} not found")
        if asked.method == "PATCH":
            return self._patch(path, asked)
        if asked.method == "DELETE":
            uid = ((asked.body or {}).get("preconditions") or {}).get("uid")
            if uid not in (None, self.objects[path]["metadata"]["uid"]):
                return status(409, "the uid differs")
            return 200, self.objects.pop(path)
        return 200, self.objects[path]

    def _listed(self, path: str, query: str) -> list[Object]:
        kind = path.rpartition("/")[2]
        found = [one for at, one in sorted(self.objects.items()) if at.rpartition("/")[0].endswith(f"/{kind}")]
        fields = parse_qs(query)
        for selector in fields.get("fieldSelector", []):
            node = selector.removeprefix("spec.nodeName=")
            found = [one for one in found if one["spec"].get("nodeName") == node]
        for label in fields.get("labelSelector", []):
            found = [one for one in found if label in one["metadata"].get("labels", {})]
        return found

    def _patch(self, path: str, asked: Request) -> Reply:
        if asked.content_type != "application/merge-patch+json":
            return status(415, f"unexpected type {asked.content_type}")
        old = self.objects[path]
        version = asked.body.get("metadata", {}).get("resourceVersion")
        if version not in (None, old["metadata"]["resourceVersion"]):
            return status(409, "the object has been modified")
        return 200, self.put(path, merged(old, asked.body))

    def _evict(self, path: str, body: Object) -> Reply:
        pod = self.objects.get(path)
        if pod is None:
            return status(404, f"{path} not found")
        if body["deleteOptions"]["preconditions"]["uid"] != pod["metadata"]["uid"]:
            return status(409, "the uid differs")
        name = pod["metadata"]["name"]
        if self.budgets.get(name, 0) > 0:
            self.budgets[name] -= 1
            return status(429, "Cannot evict pod.", f"The disruption budget {name} needs 1 healthy pod")
        if name in self.lingering:
            pod["metadata"]["deletionTimestamp"] = "now"
        else:
            del self.objects[path]
        return 201, {}


def _is_list(path: str) -> bool:
    return path.rpartition("/")[2] in ("nodes", "pods", "persistentvolumes", "persistentvolumeclaims")


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        given = self.rfile.read(length)
        assert isinstance(self.connection, ssl.SSLSocket)
        peer: Any = self.connection.getpeercert() or {}
        user = {key: value for part in peer.get("subject", ()) for key, value in part}.get("commonName", "")
        url = urlsplit(self.path)
        path = f"{url.path}?{url.query}" if url.query else url.path
        asked = Request(
            self.command, path, json.loads(given) if given else None, user, self.headers.get("Content-Type", "")
        )
        with self.server.lock:
            code, value = self.server.kubernetes.answer(asked)
        answer = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_DELETE = _handle


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, kubernetes: KubernetesServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kubernetes = kubernetes
        self.lock = threading.Lock()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate("kube-apiserver", "IP:127.0.0.1"))
        context.load_verify_locations(kubernetes.ca)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is its own business."""


@contextlib.contextmanager
def kubernetes_server() -> Iterator[KubernetesServer]:
    """An API that answers until the end."""
    kubernetes = KubernetesServer()
    with _Server(kubernetes) as server:
        kubernetes.endpoint = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield kubernetes
        server.shutdown()
        thread.join()
