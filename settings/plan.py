"""The plan: every machine's name, address and zone, known before anything exists.

Offsets count from the start of a network. Below 32 are the fixed roles, so that one more worker never moves another
machine; the top 16 addresses are left to neutron (its DHCP ports) as the allocation pool. A machine's address depends
on its own key and on where its pool begins, never on the other machines: adding or removing one moves nobody. Gateways
look for ingress at the block of eight places that holds a pool's first machine (places 0 to 7, 8 to 15, ...).

    edge      1 router, 5 public VIP, 6 load balancer of the API, 12-15 gateways
    private   5 private VIP, 12-15 gateways, 16-22 etcd, 23-31 control planes, 32... worker pools
"""

import zlib
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Final, Literal

from settings.machines import FIRST_WORKER, MOST_GATEWAYS, MachineSettings
from settings.platform_settings import PlatformSettings

Role = Literal["gateway", "etcd", "control-plane", "worker"]

ROUTER: Final = 1
VIP: Final = 5
LOAD_BALANCER: Final = 6
#: An aligned /30, so that firewall rules name all gateways as one range.
GATEWAYS: Final = 12
GATEWAY_RANGE_PREFIX: Final = 30
ETCD: Final = 16
CONTROL_PLANES: Final = 23
WORKERS: Final = FIRST_WORKER
#: Places of a pool that the gateways know in advance, as one aligned block: enough ways in for any pool, and few enough
#: that checking empty ones costs little.
INGRESS_BLOCK: Final = 8
#: Addresses at the top of each network that neutron may assign.
DYNAMIC: Final = 16
#: Smallest networks that hold the fixed roles and neutron's own addresses.
SMALLEST_EDGE: Final = 27
#: On the external network every address is the user's choice: room for its router, the VIP and one gateway.
SMALLEST_PROVIDER_EDGE: Final = 29
SMALLEST_PRIVATE: Final = 26


@dataclass(frozen=True)
class PlannedMachine:
    """One machine: its key in Pulumi (`name`), its host name (`hostname`), role, pool, addresses and zone."""

    name: str
    hostname: str
    role: Role
    address: str
    edge_address: str = ""
    pool: str = ""
    availability_zone: str = ""


@dataclass(frozen=True)
class IngressPlace:
    """A place of a worker pool where the gateways look for ingress, whether or not there is a machine."""

    name: str
    address: str


@dataclass(frozen=True)
class Plan:
    """All machines, by role, and the addresses that belong to no machine."""

    public_vip: str
    """Empty without a public VIP."""
    private_vip: str
    load_balancer: str
    """Address of Octavia's load balancer of the API. Empty without one."""
    edge_gateway: str
    gateways: tuple[PlannedMachine, ...]
    etcd: tuple[PlannedMachine, ...]
    control_planes: tuple[PlannedMachine, ...]
    workers: tuple[PlannedMachine, ...]
    edge_pool: tuple[str, str]
    """First and last address that neutron may hand out on the edge network (unused on the provider's)."""
    private_pool: tuple[str, str]
    gateway_range: str
    """The gateways' private addresses in CIDR form."""
    edge_gateway_ranges: tuple[str, ...]
    """The gateways' edge addresses in CIDR form."""
    control_plane_places: tuple[str, ...]
    """Every address that a control plane has or may get. One more control plane changes nothing elsewhere."""
    control_plane_hostnames: tuple[str, ...]
    """Every name that a control plane has or may get."""
    ingress_places: tuple[IngressPlace, ...]
    """The block of each pool's first machine, so that one more worker changes no gateway. Empty without pools."""

    @property
    def machines(self) -> tuple[PlannedMachine, ...]:
        """Every machine, gateways first."""
        return self.gateways + self.etcd + self.control_planes + self.workers

    @property
    def api_address(self) -> str:
        """Where machines and pods reach the Kubernetes API."""
        return self.load_balancer or self.private_vip


def _zone(settings: MachineSettings, key: str) -> str:
    """The zone of the machine `key`, by its number or its checksum: the same whatever other machines there are."""
    zones = settings.availability_zones
    if not zones:
        return ""
    return zones[(int(key) if key.isdigit() else zlib.crc32(key.encode())) % len(zones)]


def at(network: IPv4Network, offset: int) -> IPv4Address:
    """The address at `offset`, or the last one if the network is smaller."""
    return network[min(offset, network.num_addresses - 1)]


def smallest_edge(settings: PlatformSettings) -> int:
    """Prefix length of the smallest edge network."""
    return SMALLEST_PROVIDER_EDGE if settings.network.public_vip == "provider-network" else SMALLEST_EDGE


def _ingress_places(settings: PlatformSettings) -> tuple[IngressPlace, ...]:
    """Of each pool the block that holds its first machine, as far as the network has addresses for machines."""
    network = settings.network.private
    found: dict[str, IngressPlace] = {}
    for name, pool in sorted(settings.workers.items()):
        if not pool.places:
            continue
        begin = min(pool.places.values()) // INGRESS_BLOCK * INGRESS_BLOCK
        for place in range(begin, begin + INGRESS_BLOCK):
            offset = pool.offset + place
            # Where blocks overlap, the first pool counts: the node port is the same on every node.
            if offset < network.num_addresses - 1 - DYNAMIC:
                address = str(network[offset])
                found.setdefault(address, IngressPlace(f"worker-{name}-place-{place}", address))
    return tuple(found.values())


def make_plan(settings: PlatformSettings, cluster: str) -> Plan | None:
    """The plan of `settings`, with host names that start with `cluster`. It fits where settings/checks find no problem.

    None when a network cannot hold the fixed roles.
    """
    net, edge, private = settings.network, settings.network.edge, settings.network.private
    if edge.prefixlen > smallest_edge(settings) or private.prefixlen > SMALLEST_PRIVATE:
        return None

    def machine(role: Role, key: str, offset: int, own: MachineSettings, pool: str = "") -> PlannedMachine:
        name = f"{role}-{pool}-{key}" if pool else f"{role}-{key}"
        address, zone = str(at(private, offset)), _zone(own, key)
        return PlannedMachine(name, f"{cluster}-{name}", role, address, pool=pool, availability_zone=zone)

    given = settings.gateways.edge_addresses
    gateways = tuple(
        replace(
            machine("gateway", str(index), GATEWAYS + index, settings.gateways),
            edge_address=str(given[index] if index < len(given) else at(edge, GATEWAYS + index)),
        )
        for index in range(settings.gateways.count)
    )
    return Plan(
        public_vip="" if net.public_vip == "none" else str(net.public_vip_address or at(edge, VIP)),
        private_vip=str(net.private_vip_address or private[VIP]),
        load_balancer=str(edge[LOAD_BALANCER]) if settings.api.load_balancer == "octavia" else "",
        edge_gateway=str(net.edge_gateway or edge[ROUTER]),
        gateways=gateways,
        etcd=tuple(machine("etcd", str(i), ETCD + i, settings.etcd) for i in range(settings.etcd.count)),
        control_planes=tuple(
            machine("control-plane", str(i), CONTROL_PLANES + i, settings.control_planes)
            for i in range(settings.control_planes.count)
        ),
        # Sorted, because Pulumi passes keys in its own order.
        workers=tuple(
            machine("worker", key, pool.offset + place, pool, name)
            for name, pool in sorted(settings.workers.items())
            for key, place in sorted(pool.places.items(), key=lambda entry: (entry[1], entry[0]))
        ),
        edge_pool=(str(at(edge, GATEWAYS + MOST_GATEWAYS)), str(edge[-2])),
        private_pool=(str(private[-1 - DYNAMIC]), str(private[-2])),
        gateway_range=f"{at(private, GATEWAYS)}/{GATEWAY_RANGE_PREFIX}",
        edge_gateway_ranges=tuple(f"{gateway.edge_address}/32" for gateway in gateways)
        if given
        else (f"{at(edge, GATEWAYS)}/{GATEWAY_RANGE_PREFIX}",),
        control_plane_places=tuple(str(private[offset]) for offset in range(CONTROL_PLANES, WORKERS)),
        control_plane_hostnames=tuple(f"{cluster}-control-plane-{index}" for index in range(WORKERS - CONTROL_PLANES)),
        ingress_places=_ingress_places(settings),
    )
