"""What the platform creates in OpenStack: names by kind, server groups and volumes. The cloud is compared with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from preflight.cloud import Kind
from settings import names, security
from settings.machines import MachineSettings
from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.replacement import role_key
from settings.server_groups import server_groups


@dataclass(frozen=True)
class ServerGroup:
    """A server group: the key of its machines in the stack file, and the machines."""

    key: str
    machines: tuple[PlannedMachine, ...]


def names_by_kind(platform: Platform) -> Mapping[Kind, frozenset[str]]:
    """Every name. Floating IPs and rules have none."""
    cluster, settings, plan = platform.cluster, platform.settings, platform.addresses
    own_edge = settings.network.public_vip != "provider-network"
    networks = {names.private_network(cluster)} | ({names.edge_network(cluster)} if own_edge else set())
    ports = {machine.hostname for machine in plan.machines} | {names.private_vip_port(cluster)}
    ports |= {names.edge_port(gateway.hostname) for gateway in plan.gateways}
    if plan.public_vip:
        ports.add(names.public_vip_port(cluster))
    octavia = settings.api.load_balancer == "octavia"
    groups = {rule.group for rule in security.table(settings, plan)}
    return {
        "server": frozenset(machine.hostname for machine in plan.machines),
        "server group": frozenset(groups_by_name(platform)),
        "key pair": frozenset({names.key_pair(cluster, settings.access.ssh_keys.login)}),
        "network": frozenset(networks),
        "subnet": frozenset(networks),
        "router": frozenset({names.router(cluster)} if own_edge else ()),
        "port": frozenset(ports),
        "security group": frozenset(names.security_group(cluster, group) for group in groups),
        "volume": frozenset(volumes(platform)),
        "load balancer": frozenset({names.load_balancer(cluster)} if octavia else ()),
    }


def groups_by_name(platform: Platform) -> Mapping[str, ServerGroup]:
    """Every server group. A role has two while a changed `spread` has not reached all its machines."""
    settings, plan = platform.settings, platform.addresses
    roles: list[tuple[str, str, MachineSettings, Sequence[PlannedMachine]]] = [
        ("gateways", "gateway", settings.gateways, plan.gateways),
        ("etcd", "etcd", settings.etcd, plan.etcd),
        ("controlPlanes", "control-plane", settings.control_planes, plan.control_planes),
        *(
            (f"workers.{name}", f"worker-{name}", pool, [worker for worker in plan.workers if worker.pool == name])
            for name, pool in settings.workers.items()
        ),
    ]
    found: dict[str, ServerGroup] = {}
    for key, role, own, machines in roles:
        groups = server_groups(platform, role, own, machines)
        for name in groups.spreads:
            members = tuple(machine for machine in machines if groups.of(machine) == name)
            found[names.server_group(platform.cluster, name)] = ServerGroup(key, members)
    return found


def volumes(platform: Platform) -> Mapping[str, tuple[str, str, int]]:
    """Each volume by name: the key that asks for it, its type (empty: the cloud's default) and its size in GiB."""
    settings, found = platform.settings, {}
    for machine in platform.addresses.machines:
        volume = settings.etcd.volume if machine.role == "etcd" else None
        if machine.role == "worker":
            volume = settings.workers[machine.pool].volume
        if volume is not None:
            found[names.data_volume(machine.hostname)] = (role_key(machine), volume.type, volume.size_gib)
    return found
