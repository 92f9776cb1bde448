"""What to ask the cloud about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from preflight import planned
from preflight.cloud import Kind
from settings import names
from settings.platform import Platform


@dataclass(frozen=True)
class Query:
    """What to ask about. Without a cluster only the cloud's offer is read."""

    cluster: str = ""
    images: frozenset[str] = frozenset()
    """Names of images; empty: all of them."""
    names: Mapping[Kind, frozenset[str]] = field(default_factory=dict)
    """Names that the platform gives."""
    vip_addresses: tuple[str, ...] = ()
    """The VIPs, and the gateways' addresses on the edge."""
    volumes: bool = False
    octavia: bool = False

    @property
    def tag(self) -> str:
        """The tag of everything that the platform makes."""
        return names.tag(self.cluster)


def query(platform: Platform) -> Query:
    """The query for a platform."""
    settings, plan = platform.settings, platform.addresses
    machines = (settings.gateways, settings.etcd, settings.control_planes, *settings.workers.values())
    addresses = (plan.public_vip, plan.private_vip, *(gateway.edge_address for gateway in plan.gateways))
    return Query(
        cluster=platform.cluster,
        images=frozenset(machine.image for machine in machines),
        names=planned.names_by_kind(platform),
        vip_addresses=tuple(address for address in addresses if address),
        volumes=settings.etcd.volume is not None or any(pool.volume for pool in settings.workers.values()),
        octavia=settings.api.load_balancer == "octavia",
    )
