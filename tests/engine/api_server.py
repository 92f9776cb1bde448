"""An API server of Kubernetes with namespaces and secrets alone, in memory: as much as a provider asks of it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

KINDS = [
    {"name": "namespaces", "kind": "Namespace", "namespaced": False, "verbs": ["get"]},
    {"name": "secrets", "kind": "Secret", "namespaced": True, "verbs": ["get"]},
]
DISCOVERY: dict[str, dict[str, Any]] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": KINDS},
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
}


class ApiServer(ThreadingHTTPServer):
    """Listens on a free port of the loopback. `objects` are by their path, `requests` what was asked to change them."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.versions = 0
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def kubeconfig(self) -> str:
        """A kubeconfig for it."""
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "test",
                "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}],
                "users": [{"name": "test", "user": {}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            }
        )

    def kept(self, path: str, sent: dict[str, Any], manager: str, dry: bool) -> dict[str, Any]:
        """What becomes of an object that is sent: it is kept, unless it is only to be tried."""
        before = self.objects.get(path)
        metadata = dict(sent["metadata"])
        metadata["uid"] = before["metadata"]["uid"] if before else f"uid-{self.versions}"
        metadata["creationTimestamp"] = "2026-11-28T00:00:00Z"
        if dry and before:
            metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
        elif not dry:
            self.versions += 1
            metadata["resourceVersion"] = str(self.versions)
        fields = {"apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}
        metadata["managedFields"] = [{"manager": manager, "operation": "Apply" if before else "Update", **fields}]
        made = {**sent, "metadata": metadata}
        if sent["kind"] == "Namespace":
            made |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        if not dry:
            self.objects[path] = made
        return made


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: ApiServer

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def answer(self, document: dict[str, Any], status: int = 200) -> None:
        """JSON."""
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def refuse(self, status: int, reason: str) -> None:
        """An error as the API server has it."""
        self.answer(
            {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": status}, status
        )

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/openapi/v2":
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path in DISCOVERY:
            self.answer(DISCOVERY[path])
        elif path in self.server.objects:
            self.answer(self.server.objects[path])
        else:
            self.refuse(404, "NotFound")

    def change(self) -> None:
        """A creation, or server-side apply. (A JSON patch moves fields to another owner: nothing to do here.)"""
        parts, content = urlsplit(self.path), self.rfile.read(int(self.headers["Content-Length"]))
        query = parse_qs(parts.query)
        dry, manager = "dryRun" in query, query.get("fieldManager", [""])[0]
        sent, path = yaml.safe_load(content), parts.path
        if self.command == "POST":
            path += f"/{sent['metadata']['name']}"
        self.server.requests.append(f"{self.command} {path}{' dry' if dry else ''}")
        there = path in self.server.objects
        if self.command == "POST" and there:
            self.refuse(409, "AlreadyExists")
        elif isinstance(sent, list):
            self.answer(self.server.objects[path]) if there else self.refuse(404, "NotFound")
        else:
            self.answer(self.server.kept(path, sent, manager, dry))

    do_POST = do_PATCH = change

    def do_DELETE(self) -> None:
        path = urlsplit(self.path).path
        self.server.requests.append(f"DELETE {path}")
        self.answer(self.server.objects.pop(path, {}))


@contextmanager
def serving() -> Iterator[ApiServer]:
    """An API server that serves; at the end it is gone."""
    server = ApiServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
