"""The networks, security groups, and VIPs: unbound ports whose addresses keepalived moves between the gateways."""

from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
from pulumi import Alias, ResourceOptions
from pulumi_openstack import networking

from preflight.cloud import Catalog
from settings import names, security
from settings.platform import Platform


@dataclass(frozen=True)
class Edge:
    """Where the gateways are: a network of our own behind an OpenStack router, or the external network itself.

    Ids of the network and its subnet. Without a router interface it is the provider's network.
    """

    network_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    router_interface: networking.RouterInterface | None = None

    @property
    def is_public(self) -> bool:
        """Whether addresses on it are reached from outside as they are, without a floating IP."""
        return self.router_interface is None


def vip_protection(platform: Platform) -> bool | None:
    """The option `protect` of what holds an address that clients and DNS know."""
    return platform.settings.protection.vips or None


def vip_options(platform: Platform, parent: pulumi.Resource) -> ResourceOptions:
    """Options of a resource that holds such an address."""
    return ResourceOptions(parent=parent, protect=vip_protection(platform))


@dataclass(frozen=True)
class NetworkArgs:
    """The checked platform, and the ids of what the cloud already has."""

    platform: Platform
    catalog: Catalog


class Network(pulumi.ComponentResource):
    """Everything between the machines and the world, except the machines' own ports.

    The private network has no OpenStack router: its default gateway is the private VIP, which keepalived moves between
    the gateways.
    """

    edge: Edge
    private: networking.Network
    private_subnet: networking.Subnet
    public_vip: pulumi.Output[str] | None
    """The address of the public VIP as clients see it."""
    security_groups: dict[str, networking.SecGroup]
    ready: list[pulumi.Resource]
    """What must exist before a machine of the edge can be reached from outside."""

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:network:Network", name, None, opts)
        platform, catalog = args.platform, args.catalog
        self._platform, self._child = platform, ResourceOptions(parent=self)
        self._tags = [names.tag(platform.cluster)]
        plan, cluster, settings = platform.plan, platform.cluster, platform.settings.network
        if settings.public_vip == "provider-network":
            self.edge = Edge(catalog.external_network_id, catalog.external_subnet_id)
        else:
            self.edge = self._own_edge(catalog)
        self.private, self.private_subnet = self._network(
            "private", names.private_network(cluster), settings.private, plan.private_vip, plan.private_pool
        )
        self.security_groups = self._security_groups(platform)
        self.public_vip, self.ready = self._public_vip()
        # Keeps the machines' default gateway from being handed to anybody else.
        networking.Port(
            "private-vip",
            name=names.private_vip_port(cluster),
            network_id=self.private.id,
            fixed_ips=[{"subnet_id": self.private_subnet.id, "ip_address": plan.private_vip}],
            no_security_groups=True,
            tags=self._tags,
            opts=vip_options(platform, self),
        )
        self.register_outputs({} if self.public_vip is None else {"apiAddress": self.public_vip})

    @property
    def alive_with(self) -> pulumi.Resource:
        """What goes only with the whole platform, so that nothing inside the cluster needs to be removed by itself."""
        interface: pulumi.Resource | None = self.edge.router_interface
        return interface or self.private_subnet

    def _network(
        self, name: str, title: str, cidr: IPv4Network, gateway: str, pool: tuple[str, str]
    ) -> tuple[networking.Network, networking.Subnet]:
        """A network and its subnet, which hands out addresses of `pool` (first, last) to what names none."""
        settings = self._platform.settings.network
        network = networking.Network(
            name, name=title, admin_state_up=True, mtu=settings.mtu, tags=self._tags, opts=self._child
        )
        subnet = networking.Subnet(
            name,
            name=title,
            network_id=network.id,
            cidr=str(cidr),
            ip_version=4,
            gateway_ip=gateway,
            allocation_pools=[{"start": pool[0], "end": pool[1]}],
            dns_nameservers=[str(server) for server in settings.dns_servers],
            tags=self._tags,
            opts=self._child,
        )
        return network, subnet

    def _own_edge(self, catalog: Catalog) -> Edge:
        plan, cluster, settings = self._platform.plan, self._platform.cluster, self._platform.settings.network
        network, subnet = self._network(
            "edge", names.edge_network(cluster), settings.edge, plan.edge_gateway, plan.edge_pool
        )
        router = networking.Router(
            "router",
            name=names.router(cluster),
            external_network_id=catalog.external_network_id,
            tags=self._tags,
            opts=self._child,
        )
        interface = networking.RouterInterface("router", router_id=router.id, subnet_id=subnet.id, opts=self._child)
        return Edge(network.id, subnet.id, interface)

    def _security_groups(self, platform: Platform) -> dict[str, networking.SecGroup]:
        """The groups of settings.security's table by name; a group's rules are its children."""
        rules = security.table(platform.settings, platform.plan)
        groups = {
            group: networking.SecGroup(
                group,
                name=names.security_group(platform.cluster, group),
                description=f"{group} of {platform.cluster}",
                tags=self._tags,
                opts=self._child,
            )
            for group in dict.fromkeys(rule.group for rule in rules)
        }
        for rule in rules:
            source = {"remote_group_id": groups[rule.source].id} if rule.source else {"remote_ip_prefix": rule.cidr}
            ports = {"port_range_min": rule.first_port, "port_range_max": rule.last_port} if rule.first_port else {}
            former = security.former_name(rule, platform.numbered)
            networking.SecGroupRule(
                f"{rule.group}-{rule.name}",
                direction="ingress",
                ethertype="IPv4",
                protocol=rule.protocol,
                security_group_id=groups[rule.group].id,
                **source,
                **ports,
                opts=ResourceOptions(
                    parent=groups[rule.group],
                    aliases=[Alias(former)] if former else [],
                    # A group takes its rules along; the provider would delete them one after another, 5 s each.
                    deleted_with=groups[rule.group],
                ),
            )
        return {str(group): resource for group, resource in groups.items()}

    def _public_vip(self) -> tuple[pulumi.Output[str] | None, list[pulumi.Resource]]:
        """The public VIP on the edge, with a floating IP where the edge is not public itself, and what `ready` is.

        Its port stays unbound for good: OVN gives NAT to such a port only by the gateways' single-address pairs
        (https://github.com/SovereignCloudStack/standards/issues/544), and neutron hands the address to nobody else.
        """
        settings, address = self._platform.settings.network, self._platform.plan.public_vip
        interface = self.edge.router_interface
        routed: list[pulumi.Resource] = [interface] if interface else []
        if not address:
            return None, routed
        kept = vip_options(self._platform, self)
        port = networking.Port(
            "public-vip",
            name=names.public_vip_port(self._platform.cluster),
            network_id=self.edge.network_id,
            fixed_ips=[{"subnet_id": self.edge.subnet_id, "ip_address": address}],
            security_group_ids=[self.security_groups[group].id for group in security.GROUPS_OF_ROLE["gateway"]],
            tags=self._tags,
            opts=kept,
        )
        if interface is None:
            return pulumi.Output.from_input(address), [port]
        if settings.api_floating_ip is None:
            floating = networking.FloatingIp("api", pool=settings.external, tags=self._tags, opts=kept).address
        else:
            floating = pulumi.Output.from_input(str(settings.api_floating_ip))
        association = networking.FloatingIpAssociate(
            "api",
            floating_ip=floating,
            port_id=port.id,
            opts=ResourceOptions(parent=self, depends_on=routed),
        )
        return floating, [*routed, association]
