"""The plan: every machine's name, address and zone, known before anything exists.

Offsets count from the start of a network. Below 32 lie the fixed roles, so that one more worker never moves another
machine; the top 16 addresses are left to neutron (its DHCP ports) as the allocation pool. A machine's address depends
on its own key and on where its pool begins, never on the other machines: adding or removing one moves nobody. Gateways
look for ingress at the block of eight places that holds a pool's first machine (places 0 to 7, 8 to 15, ...).

    edge      1 router, 5 public VIP, 6 load balancer of the API, 12-15 gateways
    private   5 private VIP, 12-15 gateways, 16-22 etcd, 23-31 control planes, 32... worker pools
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final, Literal

from settings.machines import MachineSettings
from settings.platform_settings import PlatformSettings
from settings.problem import Problem

Role = Literal["gateway", "etcd", "control-plane", "worker"]

ROUTER: Final = 1
VIP: Final = 5
LOAD_BALANCER: Final = 6
#: An aligned /30, so that firewall rules name all gateways as one range.
GATEWAYS: Final = 12
GATEWAY_RANGE_PREFIX: Final = 30
ETCD: Final = 16
CONTROL_PLANES: Final = 23
WORKERS: Final = 32
#: Places of a pool that the gateways know beforehand, as one aligned block: enough ways in for any pool, and few enough
#: that checking empty ones costs little.
INGRESS_BLOCK: Final = 8
#: Addresses at the top of each network that neutron may assign.
DYNAMIC: Final = 16
#: The largest private range there is (RFC 1918).
LARGEST: Final = 8
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


def _range(network: IPv4Network) -> str:
    return f"{at(network, GATEWAYS)}/{GATEWAY_RANGE_PREFIX}"


def at(network: IPv4Network, offset: int) -> IPv4Address:
    """The address at `offset`, or the last one if the network is smaller."""
    return network[min(offset, network.num_addresses - 1)]


def smallest_edge(settings: PlatformSettings) -> int:
    """Prefix length of the smallest edge network."""
    return SMALLEST_PROVIDER_EDGE if settings.network.public_vip == "provider-network" else SMALLEST_EDGE


def _too_small(settings: PlatformSettings) -> list[Problem]:
    """Networks that cannot hold the fixed roles at all."""
    net = settings.network
    return [
        Problem(key, str(network), f"is too small: {what} need a /{smallest}", f"use a /{smallest} or larger")
        for key, network, smallest, what in (
            ("network.edge", net.edge, smallest_edge(settings), "router, VIP and gateways"),
            ("network.private", net.private, SMALLEST_PRIVATE, "VIP, gateways, etcd, control planes and neutron"),
        )
        if network.prefixlen > smallest
    ]


def _overfull(network: IPv4Network, last_name: str, last_offset: int) -> list[Problem]:
    """The problem of a private network that ends before its last machine."""
    if last_offset < network.num_addresses - 1 - DYNAMIC:
        return []
    fitting = 32 - (last_offset + 1 + DYNAMIC).bit_length()
    return [
        Problem(
            "network.private",
            str(network),
            f"is too small: {last_name} would have address {last_offset:,} of {network.num_addresses:,}, of which the "
            f"last {DYNAMIC + 1} are neutron's and the broadcast's",
            f"use a /{fitting} or larger, or fewer workers"
            if fitting >= LARGEST
            else "use lower places and firstAddress",
            others=("workers.*", "network.private"),
        )
    ]


def _ingress_places(settings: PlatformSettings) -> tuple[IngressPlace, ...]:
    """Of each pool the block that holds its first machine, as far as the network has addresses for machines."""
    network = settings.network.private
    found: dict[str, IngressPlace] = {}
    for name, pool in sorted(settings.workers.items()):
        if not pool.places:
            continue
        begin = min(pool.places.values()) // INGRESS_BLOCK * INGRESS_BLOCK
        for place in range(begin, begin + INGRESS_BLOCK):
            offset = (pool.first_address or WORKERS) + place
            # Where blocks overlap, the first pool counts: the node port is the same on every node.
            if offset < network.num_addresses - 1 - DYNAMIC:
                address = str(network[offset])
                found.setdefault(address, IngressPlace(f"worker-{name}-place-{place}", address))
    return tuple(found.values())


def make_plan(settings: PlatformSettings, cluster: str) -> tuple[Plan | None, tuple[Problem, ...]]:
    """The plan of `settings` (host names start with `cluster`), and what is wrong with it.

    There is no plan when a network cannot hold the fixed roles at all.
    """
    problems = _too_small(settings)
    if problems:
        return None, tuple(problems)
    net = settings.network
    edge, private = net.edge, net.private
    furthest = ("", 0)

    def machine(
        role: Role, key: str, offset: int, own: MachineSettings, pool: str = "", edge_address: str = ""
    ) -> PlannedMachine:
        nonlocal furthest
        name = f"{role}-{pool}-{key}" if pool else f"{role}-{key}"
        if offset > furthest[1]:
            furthest = (name, offset)
        return PlannedMachine(
            name=name,
            hostname=f"{cluster}-{name}",
            role=role,
            address=str(at(private, offset)),
            edge_address=edge_address,
            pool=pool,
            availability_zone=_zone(own, key),
        )

    def edge_address(index: int) -> str:
        given: tuple[IPv4Address, ...] = settings.gateways.edge_addresses
        return str(given[index] if index < len(given) else at(edge, GATEWAYS + index))

    public_vip = "" if net.public_vip == "none" else str(net.public_vip_address or at(edge, VIP))
    gateways = tuple(
        machine("gateway", str(i), GATEWAYS + i, settings.gateways, edge_address=edge_address(i))
        for i in range(settings.gateways.count)
    )
    etcd = tuple(machine("etcd", str(i), ETCD + i, settings.etcd) for i in range(settings.etcd.count))
    control_planes = tuple(
        machine("control-plane", str(i), CONTROL_PLANES + i, settings.control_planes)
        for i in range(settings.control_planes.count)
    )
    # Sorted, because Pulumi passes keys in its own order.
    workers = tuple(
        machine("worker", key, (pool_settings.first_address or WORKERS) + place, pool_settings, pool=pool)
        for pool, pool_settings in sorted(settings.workers.items())
        for key, place in sorted(pool_settings.places.items(), key=lambda entry: (entry[1], entry[0]))
    )
    ranges = (
        tuple(f"{gateway.edge_address}/32" for gateway in gateways)
        if settings.gateways.edge_addresses
        else (_range(edge),)
    )
    made = Plan(
        public_vip=public_vip,
        private_vip=str(net.private_vip_address or private[VIP]),
        load_balancer=str(edge[LOAD_BALANCER]) if settings.api.load_balancer == "octavia" else "",
        edge_gateway=str(net.edge_gateway or edge[ROUTER]),
        gateways=gateways,
        etcd=etcd,
        control_planes=control_planes,
        workers=workers,
        edge_pool=(str(at(edge, GATEWAYS + 4)), str(edge[-2])),
        private_pool=(str(private[-1 - DYNAMIC]), str(private[-2])),
        gateway_range=_range(private),
        edge_gateway_ranges=ranges,
        control_plane_places=tuple(str(private[offset]) for offset in range(CONTROL_PLANES, WORKERS)),
        control_plane_hostnames=tuple(f"{cluster}-control-plane-{index}" for index in range(WORKERS - CONTROL_PLANES)),
        ingress_places=_ingress_places(settings),
    )
    return made, tuple(_overfull(private, *furthest))
