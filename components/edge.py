"""Where the gateways stand: an edge network of our own behind an OpenStack router, or the external network itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions
from pulumi_openstack import networking

from preflight.catalog import Catalog
from settings import names
from settings.platform import Platform


@dataclass(frozen=True)
class Edge:
    """Ids of the network and its subnet. Without a router interface it is the provider's network."""

    network_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    router_interface: networking.RouterInterface | None = None

    @property
    def is_public(self) -> bool:
        """Whether addresses on it are reached from outside as they are, without a floating IP."""
        return self.router_interface is None


def make_edge(platform: Platform, catalog: Catalog, tags: Sequence[str], child: ResourceOptions) -> Edge:
    """The edge that the settings ask for: made here, or found in the cloud."""
    if platform.settings.network.public_vip == "provider-network":
        return Edge(catalog.external_network_id, catalog.external_subnet_id)
    return _own(platform, catalog, tags, child)


def _own(platform: Platform, catalog: Catalog, tags: Sequence[str], child: ResourceOptions) -> Edge:
    settings, plan, cluster = platform.settings.network, platform.addresses, platform.cluster
    network = networking.Network(
        "edge", name=names.edge_network(cluster), admin_state_up=True, mtu=settings.mtu, tags=tags, opts=child
    )
    subnet = networking.Subnet(
        "edge",
        name=names.edge_network(cluster),
        network_id=network.id,
        cidr=str(settings.edge),
        ip_version=4,
        gateway_ip=plan.edge_gateway,
        allocation_pools=[{"start": plan.edge_pool[0], "end": plan.edge_pool[1]}],
        dns_nameservers=[str(server) for server in settings.dns_servers],
        tags=tags,
        opts=child,
    )
    router = networking.Router(
        "router",
        name=names.router(cluster),
        external_network_id=catalog.external_network_id,
        tags=tags,
        opts=child,
    )
    interface = networking.RouterInterface("router", router_id=router.id, subnet_id=subnet.id, opts=child)
    return Edge(network.id, subnet.id, interface)
