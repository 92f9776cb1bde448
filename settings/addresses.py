"""The address plan: every machine's name and address, known before anything exists.

Offsets count from the start of a network. Below 32 lie the fixed roles, so that one more worker never moves another
machine; the top 16 addresses are left to neutron (its DHCP ports) as the allocation pool.

    edge      1 router, 5 public VIP, 12-15 gateways
    private   5 private VIP, 12-15 gateways, 16-22 etcd, 23-31 control planes, 32... worker pools
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from settings.platform import PlatformSettings

Role = Literal["gateway", "etcd", "control-plane", "worker"]

ROUTER: Final = 1
VIP: Final = 5
#: An aligned /30, so that firewall rules name all gateways as one range.
GATEWAYS: Final = 12
GATEWAY_RANGE_PREFIX: Final = 30
ETCD: Final = 16
CONTROL_PLANES: Final = 23
WORKERS: Final = 32
#: Room of a worker pool that names no first address.
POOL_SIZE: Final = 64
#: Addresses at the top of each network that neutron may hand out.
DYNAMIC: Final = 16


class AddressError(ValueError):
    """A network is too small for the machines that the settings ask for, or two pools share addresses."""


@dataclass(frozen=True)
class PlannedMachine:
    """One machine: its key in Pulumi (`name`), its host name (`hostname`), role, pool and addresses."""

    name: str
    hostname: str
    role: Role
    address: str
    edge_address: str = ""
    pool: str = ""


@dataclass(frozen=True)
class AddressPlan:
    """All machines, by role, and the addresses that belong to no machine."""

    public_vip: str
    private_vip: str
    edge_gateway: str
    gateways: tuple[PlannedMachine, ...]
    etcd: tuple[PlannedMachine, ...]
    control_planes: tuple[PlannedMachine, ...]
    workers: tuple[PlannedMachine, ...]
    edge_pool: tuple[str, str]
    private_pool: tuple[str, str]
    gateway_range: str
    """The gateways' private addresses in CIDR form."""
    edge_gateway_range: str

    @property
    def machines(self) -> tuple[PlannedMachine, ...]:
        """Every machine, gateways first."""
        return self.gateways + self.etcd + self.control_planes + self.workers


def _dynamic_pool(network: IPv4Network) -> tuple[str, str]:
    return str(network[-1 - DYNAMIC]), str(network[-2])


def _range(network: IPv4Network) -> str:
    return f"{network[GATEWAYS]}/{GATEWAY_RANGE_PREFIX}"


def plan(settings: PlatformSettings, cluster: str) -> AddressPlan:
    """The address plan of `settings`; host names start with `cluster`.

    Raises AddressError, naming network, size and what does not fit.
    """
    edge, private = settings.network.edge, settings.network.private
    if edge.num_addresses < GATEWAYS + 4 + DYNAMIC // 2:
        raise AddressError(f"network.edge {edge} is too small: the gateways and neutron need a /27 or larger")
    dynamic_start = private.num_addresses - 1 - DYNAMIC
    taken: dict[int, str] = {}

    def address(offset: int, name: str) -> str:
        if offset >= dynamic_start:
            raise AddressError(
                f"network.private {private} is too small: {name} would be address {offset + 1} of "
                f"{private.num_addresses}, and the last {DYNAMIC} are neutron's; use a larger network"
            )
        if offset in taken:
            raise AddressError(
                f"workers: {name} and {taken[offset]} share the address {private[offset]}; "
                "set firstAddress of the pools"
            )
        taken[offset] = name
        return str(private[offset])

    def machine(role: Role, key: str, offset: int, pool: str = "", edge_offset: int = 0) -> PlannedMachine:
        name = f"{role}-{pool}-{key}" if pool else f"{role}-{key}"
        return PlannedMachine(
            name=name,
            hostname=f"{cluster}-{name}",
            role=role,
            address=address(offset, name),
            edge_address=str(edge[edge_offset]) if edge_offset else "",
            pool=pool,
        )

    workers = []
    for position, (pool, pool_settings) in enumerate(settings.workers.items()):
        first = pool_settings.first_address or WORKERS + position * POOL_SIZE
        for index, key in enumerate(pool_settings.machine_keys):
            workers.append(machine("worker", key, first + index, pool=pool))
    return AddressPlan(
        public_vip=str(edge[VIP]),
        private_vip=str(private[VIP]),
        edge_gateway=str(edge[ROUTER]),
        gateways=tuple(
            machine("gateway", str(i), GATEWAYS + i, edge_offset=GATEWAYS + i) for i in range(settings.gateways.count)
        ),
        etcd=tuple(machine("etcd", str(i), ETCD + i) for i in range(settings.etcd.count)),
        control_planes=tuple(
            machine("control-plane", str(i), CONTROL_PLANES + i) for i in range(settings.control_planes.count)
        ),
        workers=tuple(workers),
        edge_pool=(str(edge[GATEWAYS + 4]), str(edge[-2])),
        private_pool=_dynamic_pool(private),
        gateway_range=_range(private),
        edge_gateway_range=_range(edge),
    )
