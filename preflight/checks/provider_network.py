"""The provider's network itself as the edge (`network.publicVip: provider-network`)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from preflight.cloud import Subnet
from preflight.context import Context
from settings.problem import Problem

MODE = "provider-network"


def _asked(context: Context) -> bool:
    return context.settings.network.public_vip == MODE and context.external is not None


def _subnets(context: Context) -> list[Subnet]:
    external = context.external
    return [subnet for subnet in context.cloud.subnets or () if external and subnet.network_id == external.id]


def subnet(context: Context) -> Subnet | None:
    """The subnet on which the gateways stand."""
    if not _asked(context):
        return None
    edge = str(context.settings.network.edge)
    return next((subnet for subnet in _subnets(context) if subnet.cidr == edge), None)


def summary(context: Context) -> str:
    """Whether it is asked for, and the subnet."""
    found = subnet(context)
    return f"{found.cidr} ({found.id})" if found else "not asked for" if not _asked(context) else "no subnet"


def errors(context: Context) -> Iterator[Problem]:
    """No such subnet, another gateway, or addresses that are taken."""
    if not _asked(context) or context.cloud.subnets is None:
        return
    network, plan = context.settings.network, context.plan
    shown, found = _subnets(context), subnet(context)
    if found is None:
        ranges = ", ".join(subnet.cidr for subnet in shown)
        yield Problem(
            "network.edge",
            str(network.edge),
            f"is not a subnet of {network.external}: it has {ranges}"
            if shown
            else f"this project cannot see the subnets of {network.external}, so its ports cannot get fixed addresses",
            "set network.edge to that range"
            if shown
            else "ask for the network to be shared with this project, or use floating-ip",
        )
        return
    if found.gateway != plan.edge_gateway:
        yield Problem(
            "network.edgeGateway",
            plan.edge_gateway,
            f"is not the router of {found.cidr}, that is {found.gateway or 'none'}",
            f"set network.edgeGateway to {found.gateway}" if found.gateway else "use a subnet with a gateway",
        )
    wanted = {gateway.edge_address: "gateways.edgeAddresses" for gateway in plan.gateways}
    if plan.public_vip:
        wanted[plan.public_vip] = "network.publicVipAddress"
    for address, key in wanted.items():
        if IPv4Address(address) not in network.edge:
            yield Problem(key, address, f"is outside {found.cidr}", "use an address of that range")
    for port in context.cloud.ports or ():
        if port.network_id == found.network_id and context.tag not in port.tags:
            for address in wanted.keys() & set(port.addresses):
                yield Problem(
                    wanted[address], address, f"is used by the port {port.name or port.id}", "use a free address"
                )


def warnings(context: Context) -> Iterator[Problem]:
    """What neutron's and nova's policies allow by default only to those who own the network."""
    network = context.external
    if not _asked(context) or network is None or network.project_id == context.cloud.project_id:
        return
    yield Problem(
        "network.publicVip",
        MODE,
        f"{network.name} is not this project's: by default neutron lets its members choose neither fixed IPs nor "
        "allowed address pairs there (policies create_port:fixed_ips:ip_address, create_port:allowed_address_pairs)",
        "ask the cloud's operators to allow both, or use floating-ip",
    )
    if not network.shared:
        yield Problem(
            "network.publicVip",
            MODE,
            f"{network.name} is external and not shared: by default nova attaches no machine to it "
            "(policy network:attach_external_network)",
            "ask for it to be shared with this project, or use floating-ip",
        )
