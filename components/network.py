"""The edge and the private network, the router, the VIP ports, floating IP and security groups."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions
from pulumi_openstack import networking

from components.catalog import Catalog, public_vip_port_name
from settings import security
from settings.platform import Platform


@dataclass(frozen=True)
class NetworkArgs:
    """The checked settings and what the cloud offers."""

    platform: Platform
    catalog: Catalog


class Network(pulumi.ComponentResource):
    """Everything between the machines and the world, but for the machines' own ports.

    The edge network hangs on an OpenStack router; the private one does not: its default gateway is the private VIP,
    which keepalived moves between the gateways.
    """

    edge: networking.Network
    edge_subnet: networking.Subnet
    private: networking.Network
    private_subnet: networking.Subnet
    router: networking.Router
    router_interface: networking.RouterInterface
    public_vip: networking.Port
    private_vip: networking.Port
    security_groups: dict[str, networking.SecGroup]
    api_address: pulumi.Output[str]
    """The floating IP of the public VIP: API, ingress, and the way in to all machines."""
    ready: list[pulumi.Resource]
    """What has to be there before a machine of the edge can be reached from outside."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:network:Network", name, None, opts)
        child = ResourceOptions(parent=self)
        settings, plan, cluster = args.platform.settings.network, args.platform.addresses, args.platform.cluster
        tags = [f"openstack-paas:{cluster}"]
        dns = [str(server) for server in settings.dns_servers]

        self.edge = networking.Network("edge", name=f"{cluster}-edge", admin_state_up=True, tags=tags, opts=child)
        self.edge_subnet = networking.Subnet(
            "edge",
            name=f"{cluster}-edge",
            network_id=self.edge.id,
            cidr=str(settings.edge),
            ip_version=4,
            gateway_ip=plan.edge_gateway,
            allocation_pools=[{"start": plan.edge_pool[0], "end": plan.edge_pool[1]}],
            dns_nameservers=dns,
            tags=tags,
            opts=child,
        )
        self.private = networking.Network(
            "private", name=f"{cluster}-private", admin_state_up=True, tags=tags, opts=child
        )
        self.private_subnet = networking.Subnet(
            "private",
            name=f"{cluster}-private",
            network_id=self.private.id,
            cidr=str(settings.private),
            ip_version=4,
            gateway_ip=plan.private_vip,
            allocation_pools=[{"start": plan.private_pool[0], "end": plan.private_pool[1]}],
            dns_nameservers=dns,
            tags=tags,
            opts=child,
        )
        self.router = networking.Router(
            "router",
            name=f"{cluster}-router",
            external_network_id=args.catalog.external_network_id,
            tags=tags,
            opts=child,
        )
        self.router_interface = networking.RouterInterface(
            "router", router_id=self.router.id, subnet_id=self.edge_subnet.id, opts=child
        )
        self.security_groups = self._security_groups(args.platform, tags)
        # Both VIP ports stay unbound for good: OVN gives NAT to such a port only by the gateways' single-address pairs
        # (https://github.com/SovereignCloudStack/standards/issues/544), and neutron hands the address to nobody else.
        self.public_vip = networking.Port(
            "public-vip",
            name=public_vip_port_name(args.platform),
            network_id=self.edge.id,
            fixed_ips=[{"subnet_id": self.edge_subnet.id, "ip_address": plan.public_vip}],
            security_group_ids=[self.security_groups[group].id for group in security.GROUPS_OF_ROLE["gateway"]],
            tags=tags,
            opts=child,
        )
        self.private_vip = networking.Port(
            "private-vip",
            name=f"{cluster}-private-vip",
            network_id=self.private.id,
            fixed_ips=[{"subnet_id": self.private_subnet.id, "ip_address": plan.private_vip}],
            no_security_groups=True,
            tags=tags,
            opts=child,
        )
        after_router = ResourceOptions(parent=self, depends_on=[self.router_interface])
        if settings.api_floating_ip is None:
            self.api_address = networking.FloatingIp("api", pool=settings.external, tags=tags, opts=child).address
        else:
            self.api_address = pulumi.Output.from_input(str(settings.api_floating_ip))
        association = networking.FloatingIpAssociate(
            "api", floating_ip=self.api_address, port_id=self.public_vip.id, opts=after_router
        )
        self.ready = [self.router_interface, association]
        self.register_outputs({"apiAddress": self.api_address})

    def _security_groups(self, platform: Platform, tags: list[str]) -> dict[str, networking.SecGroup]:
        rules = security.table(platform.settings, platform.addresses)
        groups = {
            group: networking.SecGroup(
                group,
                name=f"{platform.cluster}-{group}",
                description=f"{group} of {platform.cluster}",
                tags=tags,
                opts=ResourceOptions(parent=self),
            )
            for group in dict.fromkeys(rule.group for rule in rules)
        }
        for rule in rules:
            source = {"remote_group_id": groups[rule.source].id} if rule.source else {"remote_ip_prefix": rule.cidr}
            ports = {"port_range_min": rule.first_port, "port_range_max": rule.last_port} if rule.first_port else {}
            networking.SecGroupRule(
                f"{rule.group}-{rule.name}",
                direction="ingress",
                ethertype="IPv4",
                protocol=rule.protocol,
                security_group_id=groups[rule.group].id,
                **source,
                **ports,
                opts=ResourceOptions(parent=groups[rule.group]),
            )
        return {str(group): resource for group, resource in groups.items()}
