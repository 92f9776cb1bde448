"""What keystone holds: service users, the endpoints of the catalogue, and the project that the program works in."""

from __future__ import annotations

from dev.lab import passwords, places
from dev.lab.cloud import Cloud

SERVICES = {
    "glance": ("image", places.PORTS.glance, ""),
    "placement": ("placement", places.PORTS.placement, ""),
    "nova": ("compute", places.PORTS.nova, "/v2.1"),
    "neutron": ("network", places.PORTS.neutron, ""),
}


def ensure(cloud: Cloud) -> None:
    """Make what is missing. Takes about one second when nothing is."""
    secrets = passwords.load()
    roles = {role["name"]: role["id"] for role in cloud.call("GET", "identity", "/roles")["roles"]}
    if "service" not in roles:
        roles["service"] = cloud.call("POST", "identity", "/roles", {"role": {"name": "service"}})["role"]["id"]
    service_project = _project(cloud, "service")
    for name in SERVICES:
        user = _user(cloud, name, secrets[f"service_{name}"])
        for role in ("admin", "service"):
            _grant(cloud, service_project, user, roles[role])
    project = _project(cloud, places.PROJECT)
    _grant(cloud, project, _user(cloud, places.USER, secrets["project_user"]), roles["member"])
    _endpoints(cloud)


def _project(cloud: Cloud, name: str) -> str:
    return str(cloud.ensure("identity", "project", {"name": name, "domain_id": "default"})["id"])


def _user(cloud: Cloud, name: str, password: str) -> str:
    return str(cloud.ensure("identity", "user", {"name": name, "domain_id": "default", "password": password})["id"])


def _grant(cloud: Cloud, project: str, user: str, role: str) -> None:
    cloud.call("PUT", "identity", f"/projects/{project}/users/{user}/roles/{role}")


def _endpoints(cloud: Cloud) -> None:
    endpoints = cloud.call("GET", "identity", "/endpoints")["endpoints"]
    existing = {(endpoint["service_id"], endpoint["interface"]) for endpoint in endpoints}
    for name, (kind, port, path) in SERVICES.items():
        service = cloud.ensure("identity", "service", {"name": name, "type": kind})["id"]
        for interface in ("public", "internal", "admin"):
            if (service, interface) not in existing:
                endpoint = {"service_id": service, "interface": interface, "url": places.api(port) + path}
                cloud.call("POST", "identity", "/endpoints", {"endpoint": endpoint | {"region_id": places.REGION}})
