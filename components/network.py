"""The edge and the private network, the VIPs and the security groups."""

from __future__ import annotations

import pulumi
from pulumi import ResourceOptions
from pulumi_openstack import networking

from components.edge import Edge, make_edge
from components.security_groups import security_groups
from components.vip import PublicVip, private_vip, public_vip
from preflight.catalog import Catalog
from settings import names
from settings.platform import Platform


class Network(pulumi.ComponentResource):
    """Everything between the machines and the world, but for the machines' own ports.

    The private network hangs on no OpenStack router: its default gateway is the private VIP, which keepalived moves
    between the gateways.
    """

    edge: Edge
    private: networking.Network
    private_subnet: networking.Subnet
    private_vip: networking.Port
    public_vip: PublicVip | None
    security_groups: dict[str, networking.SecGroup]
    ready: list[pulumi.Resource]
    """What must exist before a machine of the edge can be reached from outside."""

    def __init__(self, name: str, platform: Platform, catalog: Catalog, opts: ResourceOptions) -> None:
        super().__init__("openstack-paas:network:Network", name, None, opts)
        child = ResourceOptions(parent=self)
        plan, cluster, settings = platform.addresses, platform.cluster, platform.settings.network
        tags = [names.tag(cluster)]

        self.edge = make_edge(platform, catalog, tags, child)
        self.private = networking.Network(
            "private", name=names.private_network(cluster), admin_state_up=True, mtu=settings.mtu, tags=tags, opts=child
        )
        self.private_subnet = networking.Subnet(
            "private",
            name=names.private_network(cluster),
            network_id=self.private.id,
            cidr=str(settings.private),
            ip_version=4,
            gateway_ip=plan.private_vip,
            allocation_pools=[{"start": plan.private_pool[0], "end": plan.private_pool[1]}],
            dns_nameservers=[str(server) for server in settings.dns_servers],
            tags=tags,
            opts=child,
        )
        self.security_groups = security_groups(platform, tags, self)
        self.public_vip = public_vip(platform, self.edge, self.security_groups, tags, self)
        self.private_vip = private_vip(platform, self.private, self.private_subnet, tags, self)
        routed = [self.edge.router_interface] if self.edge.router_interface else []
        self.ready = list(self.public_vip.ready if self.public_vip else routed)
        self.register_outputs({"apiAddress": self.public_vip.address} if self.public_vip else {})

    @property
    def alive_with(self) -> pulumi.Resource:
        """What goes only with the whole platform, so that nothing inside the cluster needs to be removed by itself."""
        interface: pulumi.Resource | None = self.edge.router_interface
        return interface or self.private_subnet
