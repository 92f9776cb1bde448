"""What the cloud holds: accounts, endpoints, flavors, the external network; and whether its hosts are ready."""

from datetime import UTC, datetime

from dev.lab import passwords, places, supervision
from dev.lab.cloud import Cloud
from dev.lab.command import run, until
from dev.lab.services import AGENTS, COMPUTES

# Memory in MiB by flavor. The flavor limits a machine's memory; processors and disk are not limited.
FLAVORS = {"lab.gateway": 512, "lab.etcd": 512, "lab.control-plane": 2560, "lab.worker": 2048}
# Names and sizes that many clouds have, so that stacks written for real clouds can be previewed here.
FLAVORS |= {"m1.small": 2048, "m1.medium": 4096, "m1.large": 8192, "m1.xlarge": 16384}
VCPUS, DISK_GB = 2, 10
# The services besides keystone: their kind in the catalogue, port, and path.
SERVICES = {
    "glance": ("image", places.PORTS.glance, ""),
    "placement": ("placement", places.PORTS.placement, ""),
    "nova": ("compute", places.PORTS.nova, "/v2.1"),
    "neutron": ("network", places.PORTS.neutron, ""),
}


def ensure_identity(cloud: Cloud) -> None:
    """Make the accounts and endpoints that are missing. Takes about one second when none is."""
    secrets = passwords.load()
    roles = {name: cloud.ensure("identity", "role", {"name": name})["id"] for name in ("admin", "member", "service")}
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


def ensure(cloud: Cloud) -> None:
    """Make the flavors and the external network, if they are missing."""
    for name, memory in FLAVORS.items():
        cloud.ensure("compute", "flavor", {"name": name, "ram": memory, "vcpus": VCPUS, "disk": DISK_GB})
    network = {
        "name": places.EXTERNAL_NAME,
        "router:external": True,
        "provider:network_type": "flat",
        "provider:physical_network": places.PHYSICAL_NETWORK,
    }
    first, last = places.EXTERNAL_POOL
    subnet = {
        "name": f"{places.EXTERNAL_NAME}-subnet",
        "network_id": cloud.ensure("network", "network", network)["id"],
        "ip_version": 4,
        "cidr": places.EXTERNAL_NETWORK,
        "gateway_ip": places.EXTERNAL_ADDRESS,
        "enable_dhcp": False,
        "allocation_pools": [{"start": first, "end": last}],
    }
    cloud.ensure("network", "subnet", subnet)


def wait_for_hosts(cloud: Cloud, since: float, limit: float = 120) -> None:
    """Wait until every agent and compute host has reported after the time `since` and can take machines."""

    def all_report() -> bool:
        late[:] = not_reporting(cloud, since) or silent_routers(cloud)
        for service in (*AGENTS, *COMPUTES):
            supervision.works(service)  # raises when it keeps crashing, with the end of its log
        return not late

    late: list[str] = []
    what = "hosts of the cloud did not report"
    until(all_report, what, limit, detail=lambda: f": {', '.join(late)} (logs in {places.LOGS})", pause=0.5)


def not_reporting(cloud: Cloud, since: float = 0) -> list[str]:
    """Agents and compute services that are down or have not reported since then, and hosts not yet mapped."""
    agents = {(agent["host"], agent["binary"]): agent for agent in cloud.call("GET", "network", "/agents")["agents"]}
    wanted = [(places.NETWORK_HOST.name, f"neutron-{kind}-agent") for kind in ("linuxbridge", "l3", "dhcp", "metadata")]
    wanted += [(host.name, "neutron-linuxbridge-agent") for host in places.COMPUTE_HOSTS]
    late = []
    for host, binary in wanted:
        agent = agents.get((host, binary))
        if not agent or not agent["alive"] or seconds(agent["heartbeat_timestamp"]) < since:
            late.append(f"{binary} on {host}")
    listed = cloud.call("GET", "compute", "/os-services?binary=nova-compute")["services"]
    computes = {service["host"]: service for service in listed}
    mapped = {one["hypervisor_hostname"] for one in cloud.call("GET", "compute", "/os-hypervisors")["hypervisors"]}
    for host in (each.name for each in places.COMPUTE_HOSTS):
        service = computes.get(host)
        if not service or service["state"] != "up" or seconds(service["updated_at"] or "") < since:
            late.append(f"nova-compute on {host}")
        elif host not in mapped:
            late.append(f"the mapping of {host} to its cell")
    return late


def silent_routers(cloud: Cloud) -> list[str]:
    """Routers that do not answer at their public address: not yet rebuilt after a start, or the agent hangs."""
    late = []
    for router in cloud.call("GET", "network", "/routers")["routers"]:
        gateway = router["external_gateway_info"] or {}
        for address in [one["ip_address"] for one in gateway.get("external_fixed_ips", [])]:
            if router["admin_state_up"] and "1 received" not in run("ping", "-n", "-c1", "-W1", address, check=False):
                late.append(f"router {router['name']} at {address} (try `python3 -m dev.lab restart l3`)")
    return late


def seconds(moment: str) -> float:
    """A time in one of OpenStack's formats (UTC) as seconds since 1970; 0 when there is none."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() if moment else 0
