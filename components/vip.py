"""The VIPs: unbound ports whose addresses keepalived moves between the gateways, and the public one's floating IP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions
from pulumi_openstack import networking

from components.edge import Edge
from settings import names, security
from settings.platform import Platform


@dataclass(frozen=True)
class PublicVip:
    """The public VIP as clients see it, and what has to be there before they do."""

    address: pulumi.Output[str]
    ready: Sequence[pulumi.Resource]


def vip_protection(platform: Platform) -> bool | None:
    """The option `protect` of what holds an address that clients and DNS know."""
    return platform.settings.protection.vips or None


def vip_options(platform: Platform, parent: pulumi.Resource) -> ResourceOptions:
    """Options of a resource that holds such an address."""
    return ResourceOptions(parent=parent, protect=vip_protection(platform))


def private_vip(
    platform: Platform,
    network: networking.Network,
    subnet: networking.Subnet,
    tags: Sequence[str],
    parent: pulumi.Resource,
) -> networking.Port:
    """The port that keeps the machines' default gateway from being handed to anybody else."""
    return networking.Port(
        "private-vip",
        name=names.private_vip_port(platform.cluster),
        network_id=network.id,
        fixed_ips=[{"subnet_id": subnet.id, "ip_address": platform.addresses.private_vip}],
        no_security_groups=True,
        tags=tags,
        opts=vip_options(platform, parent),
    )


def public_vip(
    platform: Platform,
    edge: Edge,
    security_groups: dict[str, networking.SecGroup],
    tags: Sequence[str],
    parent: pulumi.Resource,
) -> PublicVip | None:
    """The public VIP on the edge, with a floating IP where the edge is not public itself; None without one.

    Its port stays unbound for good: OVN gives NAT to such a port only by the gateways' single-address pairs
    (https://github.com/SovereignCloudStack/standards/issues/544), and neutron hands the address to nobody else.
    """
    settings, address = platform.settings.network, platform.addresses.public_vip
    if not address:
        return None
    kept = vip_options(platform, parent)
    port = networking.Port(
        "public-vip",
        name=names.public_vip_port(platform.cluster),
        network_id=edge.network_id,
        fixed_ips=[{"subnet_id": edge.subnet_id, "ip_address": address}],
        security_group_ids=[security_groups[group].id for group in security.GROUPS_OF_ROLE["gateway"]],
        tags=tags,
        opts=kept,
    )
    if edge.router_interface is None:
        return PublicVip(pulumi.Output.from_input(address), [port])
    if settings.api_floating_ip is None:
        floating = networking.FloatingIp("api", pool=settings.external, tags=tags, opts=kept).address
    else:
        floating = pulumi.Output.from_input(str(settings.api_floating_ip))
    association = networking.FloatingIpAssociate(
        "api",
        floating_ip=floating,
        port_id=port.id,
        opts=ResourceOptions(parent=parent, depends_on=[edge.router_interface]),
    )
    return PublicVip(floating, [edge.router_interface, association])
