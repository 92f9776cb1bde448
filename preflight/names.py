"""Every name that the platform gives in OpenStack, by kind: as components/ gives them."""

from __future__ import annotations

from collections.abc import Mapping

from preflight.cloud import Kind
from settings import security
from settings.platform import Platform


def planned(platform: Platform) -> Mapping[Kind, frozenset[str]]:
    """The names by kind. Floating IPs have no names; rules neither."""
    cluster, settings, plan = platform.cluster, platform.settings, platform.addresses
    own_edge = settings.network.public_vip != "provider-network"
    networks = {f"{cluster}-private"} | ({f"{cluster}-edge"} if own_edge else set())
    ports = {machine.hostname for machine in plan.machines}
    ports |= {f"{gateway.hostname}-edge" for gateway in plan.gateways} | {f"{cluster}-private-vip"}
    if plan.public_vip:
        ports.add(f"{cluster}-public-vip")
    return {
        "server": frozenset(machine.hostname for machine in plan.machines),
        "server group": frozenset(f"{cluster}-{role}" for role in server_groups(platform)),
        "key pair": frozenset({cluster}),
        "network": frozenset(networks),
        "subnet": frozenset(networks),
        "router": frozenset({f"{cluster}-router"} if own_edge else ()),
        "port": frozenset(ports),
        "security group": frozenset(f"{cluster}-{group}" for group in security_groups(platform)),
        "volume": frozenset(volumes(platform)),
        "load balancer": frozenset({f"{cluster}-api"} if settings.api.load_balancer == "octavia" else ()),
    }


def server_groups(platform: Platform) -> Mapping[str, tuple[str, int]]:
    """Each server group, less the cluster's name, with the key of its machines in the stack file and their number."""
    plan = platform.addresses
    groups = {
        "gateway": ("gateways", len(plan.gateways)),
        "etcd": ("etcd", len(plan.etcd)),
        "control-plane": ("controlPlanes", len(plan.control_planes)),
    }
    pools = platform.settings.workers.items()
    return groups | {f"worker-{name}": (f"workers.{name}", len(pool.places)) for name, pool in pools}


def security_groups(platform: Platform) -> frozenset[str]:
    """Groups of the table of rules, less the cluster's name."""
    return frozenset(rule.group for rule in security.table(platform.settings, platform.addresses))


def volumes(platform: Platform) -> Mapping[str, tuple[str, str, int]]:
    """Each volume by name: the key that asks for it, its type (empty: the cloud's default) and its size in GiB."""
    settings, found = platform.settings, {}
    for machine in platform.addresses.machines:
        own = settings.etcd.volume if machine.role == "etcd" else None
        key = "etcd"
        if machine.role == "worker":
            own, key = settings.workers[machine.pool].volume, f"workers.{machine.pool}"
        if own is not None:
            found[f"{machine.hostname}-data"] = (key, own.type, own.size_gib)
    return found
