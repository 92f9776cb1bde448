"""Networks: the external one, the provider's network as the edge (`publicVip: provider-network`), and the MTU."""

from collections.abc import Iterator
from typing import Final

from preflight.cloud import Network, Subnet
from preflight.context import Context, suggestion
from settings import names
from settings.problem import Problem

PROVIDER_NETWORK: Final = "provider-network"
#: Bytes that vxlan takes over IPv4: flannel's and Calico's overlay (RFC 7348, section 5).
OVERLAY: Final = 50
#: Least MTU that every IPv6 link has (RFC 8200, section 5): below it DNS answers and TLS hellos are cut in parts.
LEAST_FOR_PODS: Final = 1280


def external_summary(context: Context) -> str:
    """Name and id of the external network."""
    network = context.external
    return f"{network.name} ({network.id})" if network else context.settings.network.external


def external(context: Context) -> Iterator[Problem]:
    """A network that does not exist, is not external, or shares its name with another."""
    key, name, same = "network.external", context.settings.network.external, context.cloud.networks
    if same is None or context.external:
        return
    use = suggestion(name, {network.name for network in context.cloud.external_networks})
    same = tuple(network for network in same if network.name == name)
    if ids := [network.id for network in same if network.external]:
        rule = f"{len(ids)} external networks have that name ({', '.join(ids)})"
        yield Problem(key, name, rule, "ask for all but one of them to be renamed")
    elif same:
        yield Problem(key, name, "is not an external network: floating IPs do not come from it", use)
    else:
        yield Problem(key, name, "this project sees no external network of that name", use)


def _provider_subnets(context: Context) -> list[Subnet] | None:
    """The subnets of the provider's network; None where it is not the edge, or nothing is known about it."""
    external, subnets = context.external, context.cloud.subnets
    if context.settings.network.public_vip != PROVIDER_NETWORK or external is None or subnets is None:
        return None
    return [subnet for subnet in subnets if subnet.network_id == external.id]


def provider_subnet(context: Context) -> Subnet | None:
    """The provider's subnet that the gateways are on."""
    edge = str(context.settings.network.edge)
    return next((subnet for subnet in _provider_subnets(context) or () if subnet.cidr == edge), None)


def provider_summary(context: Context) -> str:
    """Whether the provider's network is asked for, and the subnet."""
    if subnet := provider_subnet(context):
        return f"{subnet.cidr} ({subnet.id})"
    asked = context.settings.network.public_vip == PROVIDER_NETWORK and context.external
    return "no subnet" if asked else "not asked for"


def no_provider_subnet(context: Context) -> Iterator[Problem]:
    """`network.edge` is not a subnet of the provider's network, or its subnets are hidden."""
    network, subnets = context.settings.network, _provider_subnets(context)
    if subnets is None or provider_subnet(context):
        return
    if subnets:
        rule = f"is not a subnet of {network.external}: it has {', '.join(subnet.cidr for subnet in subnets)}"
        fix = "set network.edge to that range"
    else:
        rule = f"this project cannot see the subnets of {network.external}, so its ports cannot get fixed addresses"
        fix = "ask for the network to be shared with this project, or use floating-ip"
    yield Problem("network.edge", str(network.edge), rule, fix)


def provider_gateway(context: Context) -> Iterator[Problem]:
    """`network.edgeGateway` is not the provider's router."""
    subnet, edge_gateway = provider_subnet(context), context.plan.edge_gateway
    if subnet and subnet.gateway != edge_gateway:
        rule = f"is not the router of {subnet.cidr}, that is {subnet.gateway or 'none'}"
        fix = f"set network.edgeGateway to {subnet.gateway}" if subnet.gateway else "use a subnet with a gateway"
        yield Problem("network.edgeGateway", edge_gateway, rule, fix)


def taken_on_provider_network(context: Context) -> Iterator[Problem]:
    """An address of the platform that another port has."""
    subnet, plan = provider_subnet(context), context.plan
    wanted = {gateway.edge_address: "gateways.edgeAddresses" for gateway in plan.gateways}
    if plan.public_vip:
        wanted[plan.public_vip] = "network.publicVipAddress"
    for port in context.cloud.ports or ():
        if subnet and port.network_id == subnet.network_id and context.tag not in port.tags:
            for address in wanted.keys() & set(port.addresses):
                rule = f"is used by the port {port.name or port.id}"
                yield Problem(wanted[address], address, rule, "use a free address")


def _foreign_provider_network(context: Context) -> Network | None:
    """The provider's network where it is the edge and belongs to another project."""
    network = context.external if context.settings.network.public_vip == PROVIDER_NETWORK else None
    return network if network and network.project_id != context.cloud.project_id else None


def foreign_provider_network(context: Context) -> Iterator[Problem]:
    """What neutron's policies allow by default only to those who own the network."""
    if network := _foreign_provider_network(context):
        rule = (
            f"{network.name} is not this project's: by default neutron lets its members choose neither fixed IPs nor "
            "allowed address pairs there (policies create_port:fixed_ips:ip_address, create_port:allowed_address_pairs)"
        )
        fix = "ask the cloud's operators to allow both, or use floating-ip"
        yield Problem("network.publicVip", PROVIDER_NETWORK, rule, fix)


def unshared_provider_network(context: Context) -> Iterator[Problem]:
    """What nova's policies allow by default only to administrators."""
    network = _foreign_provider_network(context)
    if network and not network.shared:
        rule = (
            f"{network.name} is external and not shared: by default nova attaches no machine to it "
            "(policy network:attach_external_network)"
        )
        fix = "ask for it to be shared with this project, or use floating-ip"
        yield Problem("network.publicVip", PROVIDER_NETWORK, rule, fix)


def _mtu(context: Context) -> int | None:
    """MTU that the machines' network has or will have; None while only the cloud knows."""
    name = names.private_network(context.cluster)
    existing = next((network.mtu for network in context.cloud.networks or () if network.name == name), None)
    return context.settings.network.mtu or existing


def mtu_summary(context: Context) -> str:
    """MTU of the machines' network."""
    mtu = _mtu(context)
    return f"{mtu} bytes, {mtu - OVERLAY} for pods" if mtu else "the cloud's own"


def large_mtu(context: Context) -> Iterator[Problem]:
    """Larger than on any network that the project sees: neutron refuses such a network, or packets get lost.

    So much the cloud certainly carries. Its real limit is shown to administrators only.
    """
    wanted, external = context.settings.network.mtu, context.settings.network.external
    largest = max((network.mtu for network in context.cloud.networks or () if network.mtu), default=None)
    if wanted and largest and wanted > largest:
        rule = f"is larger than any network of the cloud that this project sees ({largest}; {external} included)"
        fix = f"use {largest} or less, or leave it out: the cloud then uses the largest that it supports"
        yield Problem("network.mtu", str(wanted), rule, fix)


def small_mtu(context: Context) -> Iterator[Problem]:
    """Too little for the pods."""
    mtu = _mtu(context)
    if mtu and mtu - OVERLAY < LEAST_FOR_PODS:
        rule = f"leaves {mtu - OVERLAY} bytes for the pods, the overlay takes {OVERLAY}"
        yield Problem("network.mtu", str(mtu), rule, f"have networks of {LEAST_FOR_PODS + OVERLAY} bytes or more")
