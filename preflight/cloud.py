"""Facts about the cloud, as its services show them to a member of the project. None: the service did not say."""

from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal[
    "server", "server group", "key pair", "network", "subnet", "router", "port", "floating ip", "security group",
    "volume", "load balancer",
]  # fmt: skip
#: Types of cinder in keystone's catalog, new and old (service-types-authority).
BLOCK_STORAGE: Final = ("block-storage", "volumev3", "block-store", "volume")


@dataclass(frozen=True)
class Flavor:
    """A flavor; `disk_gib` 0 means a root disk as large as the image."""

    id: str
    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int


@dataclass(frozen=True)
class Image:
    """An image; `disk_gib` is the least root disk that holds it, by its own word and by its size."""

    id: str
    name: str
    status: str
    disk_gib: float = 0
    ram_mib: int = 0
    created: str = ""
    """ISO 8601, so that texts sort as times do."""
    architecture: str = ""


@dataclass(frozen=True)
class Network:
    """A network; `mtu` in bytes, None where neutron keeps it to itself."""

    id: str
    name: str
    external: bool = False
    shared: bool = False
    mtu: int | None = None
    project_id: str = ""


@dataclass(frozen=True)
class Subnet:
    """An IPv4 subnet with its allocation pools (first and last address each)."""

    id: str
    name: str
    network_id: str
    cidr: str
    gateway: str = ""
    pools: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class FloatingIp:
    """A floating IP of this project; `port_id` is empty while it is free."""

    id: str
    address: str
    network_id: str
    port_id: str = ""
    port_name: str = ""
    fixed_address: str = ""


@dataclass(frozen=True)
class Port:
    """A port; `pairs` are its allowed address pairs, `device_id` who is bound to it."""

    id: str
    name: str
    network_id: str
    addresses: tuple[str, ...] = ()
    device_id: str = ""
    device_owner: str = ""
    pairs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quota:
    """How much the project may have and has. A limit of -1 is none; `used` is None where the cloud does not say."""

    name: str
    limit: int
    used: int | None = None

    @property
    def free(self) -> int | None:
        """What is left; None: unlimited, or unknown."""
        return None if self.limit < 0 or self.used is None else max(0, self.limit - self.used)


@dataclass(frozen=True)
class Existing:
    """Something in the project that has a name of this platform, or its tag."""

    kind: Kind
    name: str
    id: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unknown:
    """What could not be asked, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Cloud:
    """Everything that the checks look at. A collection is None where the service did not answer; `unknown` says why."""

    project_id: str = ""
    services: frozenset[str] = frozenset()
    """Types of services in keystone's catalog."""
    flavors: tuple[Flavor, ...] | None = None
    images: tuple[Image, ...] | None = None
    """Those of the names asked for, in every state; all of them when none was asked for."""
    image_names: tuple[str, ...] = ()
    """Names of some images, for "did you mean"; only read when one is missing."""
    networks: tuple[Network, ...] | None = None
    """The external ones, the project's, and those shared with it."""
    subnets: tuple[Subnet, ...] | None = None
    """Those that the project may see; an external network's own are often hidden from it."""
    floating_ips: tuple[FloatingIp, ...] | None = None
    ports: tuple[Port, ...] | None = None
    """Those with the platform's tag, and those on the addresses of its VIPs."""
    zones: tuple[str, ...] | None = None
    """Availability zones of nova that are up."""
    volume_zones: tuple[str, ...] | None = None
    volume_types: tuple[str, ...] | None = None
    """None: there is no block storage, or it does not answer."""
    extensions: frozenset[str] | None = None
    """Aliases of neutron's extensions."""
    load_balancer_providers: tuple[str, ...] | None = None
    """Octavia's provider drivers; None: there is no octavia, or it does not answer."""
    quotas: dict[str, Quota] = field(default_factory=dict)
    """By name: instances, cores, ram (MiB), key_pairs, server_groups, server_group_members, port, network, subnet,
    router, floatingip, security_group, security_group_rule, volumes, gigabytes, gigabytes_TYPE, load_balancer."""
    existing: tuple[Existing, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    @property
    def external_networks(self) -> tuple[Network, ...]:
        """Networks that floating IPs come from."""
        return tuple(network for network in self.networks or () if network.external)


@dataclass(frozen=True)
class Catalog:
    """Ids by name of what the settings name and the cloud must already have.

    Everything is empty in a preview whose cloud could not be asked.
    """

    external_network_id: str = ""
    flavors: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    external_subnet_id: str = ""
    """The subnet of the external network that the gateways are on; only with `publicVip: provider-network`."""
