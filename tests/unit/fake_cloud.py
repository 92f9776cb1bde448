"""A keystone with nova, neutron, glance, cinder and octavia behind it, on loopback: as much of them as is asked for."""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PASSWORD = "correct-horse"
PROJECT = "project-id"
SERVICES = ("compute", "network", "image", "volumev3", "load-balancer")
#: What each service answers by path; a listing is the only key of its document.
ANSWERS: dict[str, dict[str, Any]] = {
    "/compute/flavors/detail": {"flavors": [{"id": "f1", "name": "m1.small", "vcpus": 1, "ram": 2048, "disk": 20}]},
    "/compute/os-availability-zone": {
        "availabilityZoneInfo": [
            {"zoneName": "nova", "zoneState": {"available": True}},
            {"zoneName": "broken", "zoneState": {"available": False}},
        ]
    },
    "/compute/os-keypairs": {"keypairs": [{"keypair": {"name": "dev"}}, {"keypair": {"name": "mine"}}]},
    "/compute/limits": {
        "limits": {"absolute": {"maxTotalInstances": 10, "totalInstancesUsed": 4, "maxTotalKeypairs": 9}}
    },
    "/compute/servers": {"servers": [{"id": "s1", "name": "dev-etcd-0"}]},
    "/compute/os-server-groups": {"server_groups": [{"id": "g1", "name": "dev-etcd"}, {"id": "g2", "name": "other"}]},
    "/image/v2/images": {
        "images": [
            {"id": "i1", "name": "debian-12", "status": "active", "size": 3 * 1024**3, "min_disk": 2, "min_ram": 64},
        ]
    },
    "/network/v2.0/networks": {
        "networks": [
            {"id": "n1", "name": "public", "router:external": True, "mtu": 1500, "project_id": "another"},
            {"id": "n2", "name": "dev-private", "mtu": 1450, "project_id": PROJECT, "tags": ["openstack-paas:dev"]},
            {"id": "n3", "name": "dev-edge", "shared": True, "project_id": "another"},
        ]
    },
    "/network/v2.0/subnets": {"subnets": []},
    "/network/v2.0/floatingips": {
        "floatingips": [
            {
                "id": "ip1",
                "floating_ip_address": "203.0.113.4",
                "floating_network_id": "n1",
                "port_id": "p1",
                "port_details": {"name": "dev-public-vip"},
                "fixed_ip_address": "10.21.0.5",
                "tags": ["openstack-paas:dev"],
            }
        ]
    },
    "/network/v2.0/ports": {"ports": []},
    "/network/v2.0/routers": {"routers": []},
    "/network/v2.0/security-groups": {"security_groups": []},
    "/network/v2.0/extensions": {"extensions": [{"alias": "router"}, {"alias": "port-security"}]},
    f"/network/v2.0/quotas/{PROJECT}/details.json": {"quota": {"port": {"limit": 50, "used": 7, "reserved": 1}}},
    "/volumev3/types": {"volume_types": [{"name": "ssd"}]},
    "/volumev3/os-availability-zone": {
        "availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}}]
    },
    f"/volumev3/os-quota-sets/{PROJECT}": {
        "quota_set": {"id": PROJECT, "gigabytes_ssd": {"limit": 100, "in_use": 30, "reserved": 5}}
    },
    "/volumev3/volumes/detail": {
        "volumes": [{"id": "v1", "name": "dev-etcd-0-data", "metadata": {"openstack-paas": "dev"}}]
    },
    "/load-balancer/v2/lbaas/loadbalancers": {"loadbalancers": [{"id": "l1", "name": "somebody-elses"}]},
    f"/load-balancer/v2/lbaas/quotas/{PROJECT}": {"quota": {"load_balancer": None}},
    "/load-balancer/v2/lbaas/providers": {"providers": [{"name": "amphora"}]},
}


@dataclass
class FakeCloud:
    """What it answers, and what it was asked. `statuses` overrule answers by path, `delays` are in seconds."""

    url: str = ""
    answers: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(ANSWERS))
    statuses: dict[str, int] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    services: tuple[str, ...] = SERVICES
    page: int = 1000
    """Most entries that a page has."""
    token_hours: float = 1
    project: str = PROJECT
    asked: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)
    """Method, path and parameters of every request, in order."""
    logins: list[dict[str, Any]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def token(self) -> dict[str, Any]:
        """Keystone's answer to a log-in."""
        now = datetime.now(UTC)
        catalog = [
            {
                "type": service,
                "name": service,
                "id": service,
                "endpoints": [
                    {
                        "id": f"{service}-{interface}",
                        "interface": interface,
                        "region": "One",
                        "region_id": "One",
                        "url": f"{self.url}/{service}" if interface == "public" else "http://127.0.0.1:9/",
                    }
                    for interface in ("public", "admin")
                ],
            }
            for service in self.services
        ]
        body: dict[str, Any] = {
            "methods": ["password"],
            "user": {"id": "user-id", "name": "user", "domain": {"id": "default", "name": "Default"}},
            "issued_at": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "expires_at": (now + timedelta(hours=self.token_hours)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "catalog": catalog,
        }
        if self.project:
            body["project"] = {"id": self.project, "name": "paas", "domain": {"id": "default", "name": "Default"}}
        return {"token": body}

    def listing(self, path: str, parameters: Mapping[str, list[str]]) -> dict[str, Any]:
        """The page of a listing that begins after the marker; documents of other kinds as they are."""
        document = self.answers[path]
        ((name, entries),) = document.items()
        if not isinstance(entries, list) or (entries and "id" not in entries[0]):
            return document
        marker = parameters.get("marker", [""])[0]
        start = next((i + 1 for i, entry in enumerate(entries) if entry["id"] == marker), 0)
        page = entries[start : start + self.page]
        more = start + self.page < len(entries)
        return {name: page} | ({f"{name}_links": [{"rel": "next", "href": "elsewhere"}]} if more else {})


class Handler(BaseHTTPRequestHandler):
    """Serves a FakeCloud."""

    cloud: FakeCloud
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """A log-in."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._note({})
        self.cloud.logins.append(body["auth"])
        identity = body["auth"]["identity"]
        if self.path != "/v3/auth/tokens":
            self._answer(404, {})
        elif PASSWORD not in json.dumps(identity):
            self._answer(401, {"error": {"code": 401, "message": "The request you have made requires authentication."}})
        else:
            self._answer(201, self.cloud.token(), {"X-Subject-Token": "token"})

    def do_GET(self) -> None:
        """A question; everything else needs a token."""
        parts = urlsplit(self.path)
        parameters: dict[str, list[str]] = {}
        for key, value in parse_qsl(parts.query, keep_blank_values=True):
            parameters.setdefault(key, []).append(value)
        self._note(parameters)
        time.sleep(self.cloud.delays.get(parts.path, 0))
        if self.headers.get("X-Auth-Token") != "token":
            self._answer(401, {})
        elif parts.path in self.cloud.statuses:
            self._answer(self.cloud.statuses[parts.path], {})
        elif parts.path not in self.cloud.answers:
            self._answer(404, {})
        else:
            self._answer(200, self.cloud.listing(parts.path, parameters))

    def _note(self, parameters: dict[str, list[str]]) -> None:
        with self.cloud.lock:
            self.cloud.asked.append((self.command, urlsplit(self.path).path, parameters))

    def _answer(self, status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing: pytest shows what matters."""


@contextmanager
def fake_cloud(certificate: str = "", key: str = "") -> Iterator[FakeCloud]:
    """A cloud that listens until the block ends; with TLS when it has a certificate."""
    cloud = FakeCloud()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"cloud": cloud}))
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    cloud.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
