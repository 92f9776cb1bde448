"""What the platform creates in OpenStack: names by kind, server groups and volumes. The cloud is compared with it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from preflight.cloud import Kind
from settings import names, security
from settings.machines import EtcdSettings, WorkerPoolSettings
from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.replacement import role_key
from settings.server_groups import server_groups

#: The roles, by their keys in the stack file.
_ROLES: Final = {"gateways": "gateway", "etcd": "etcd", "controlPlanes": "control-plane"}


class ServerGroup(NamedTuple):
    """A server group: the key of its machines in the stack file, and the machines."""

    key: str
    machines: tuple[PlannedMachine, ...]


class Volume(NamedTuple):
    """A volume: the key of its machine in the stack file, its type (empty: the cloud's default) and its size in GiB."""

    key: str
    type: str
    size_gib: int


def names_by_kind(platform: Platform) -> Mapping[Kind, frozenset[str]]:
    """Every name. Floating IPs and rules have none."""
    cluster, settings, plan = platform.cluster, platform.settings, platform.plan
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
    found: dict[str, ServerGroup] = {}
    for key, settings in platform.settings.roles.items():
        machines = [machine for machine in platform.plan.machines if role_key(machine) == key]
        groups = server_groups(platform, _ROLES.get(key) or key.replace("workers.", "worker-"), settings, machines)
        for name in groups.spreads:
            members = tuple(machine for machine in machines if groups.of(machine) == name)
            found[names.server_group(platform.cluster, name)] = ServerGroup(key, members)
    return found


def volumes(platform: Platform) -> Mapping[str, Volume]:
    """Every volume by its name."""
    found: dict[str, Volume] = {}
    for machine in platform.plan.machines:
        settings = platform.settings.roles[role_key(machine)]
        if isinstance(settings, EtcdSettings | WorkerPoolSettings) and (volume := settings.volume):
            found[names.data_volume(machine.hostname)] = Volume(role_key(machine), volume.type, volume.size_gib)
    return found
