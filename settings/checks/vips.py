"""VIPs: the addresses that move between the gateways, and what each kind of public VIP needs.

OVN gives NAT to an unbound port only when its address is a single-address allowed address pair of bound ones
(https://github.com/SovereignCloudStack/standards/issues/544): a VIP is one address that nobody else uses.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from settings.machines import MOST_GATEWAYS
from settings.plan import GATEWAYS, LOAD_BALANCER, ROUTER, SMALLEST_PRIVATE, VIP, at, smallest_edge
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

_EDGE_ADDRESSES: Final = "gateways.edgeAddresses"
_KIND: Final = ("network.publicVip",)
#: Keys that say which addresses are used on the edge network.
_LOOKED_AT: Final = (
    "network.edge",
    "network.edgeGateway",
    "network.publicVip",
    "network.publicVipAddress",
    _EDGE_ADDRESSES,
    "gateways.count",
)


def provider_network_has_a_range_and_a_vip(context: Context) -> Iterator[Problem]:
    net = context.settings.network
    if net.public_vip != "provider-network":
        return
    missing = "is missing: with publicVip provider-network"
    if "edge" not in net.model_fields_set:
        rule = f"{missing} it is the range of the external network's subnet"
        yield Problem("network.edge", "", rule, "set it to the cidr that `openstack subnet show` prints", _KIND)
    if net.public_vip_address is None:
        rule = f"{missing} the VIP is an address of the external network"
        yield Problem("network.publicVipAddress", "", rule, "set it to an address there that is yours", _KIND)


def settings_fit_the_kind_of_public_vip(context: Context) -> Iterator[Problem]:
    net, kind = context.settings.network, context.settings.network.public_vip
    without = f"cannot be combined with publicVip {kind}"
    if kind == "none" and net.public_vip_address is not None:
        fix = "remove it, or set network.publicVip"
        yield Problem("network.publicVipAddress", str(net.public_vip_address), without, fix, _KIND)
    if kind != "floating-ip" and net.api_floating_ip is not None:
        rule, fix = f"{without}, which has no floating IP for it", "remove it, or use publicVip floating-ip"
        yield Problem("network.apiFloatingIp", str(net.api_floating_ip), rule, fix, _KIND)
    if kind != "floating-ip" and context.settings.api.load_balancer == "octavia":
        rule = f"{without}: the load balancer is on the edge network, behind a floating IP"
        fix = "use publicVip floating-ip, or loadBalancer gateways"
        yield Problem("api.loadBalancer", "octavia", rule, fix, _KIND)


def every_gateway_has_an_edge_address(context: Context) -> Iterator[Problem]:
    given, count = context.settings.gateways.edge_addresses, context.settings.gateways.count
    provider = context.settings.network.public_vip == "provider-network"
    others = (*_KIND, "gateways.count")
    if provider and not given:
        rule = "is missing: with publicVip provider-network every gateway has an address of the external network"
        yield Problem(_EDGE_ADDRESSES, "", rule, f"write one for each gateway, {count} in all", others)
    elif given and len(given) != count:
        value, rule = f"[{', '.join(map(str, given))}]", f"must be one for each gateway, {count} in all"
        yield Problem(
            _EDGE_ADDRESSES, value, rule, f"write {count}" + ("" if provider else ", or leave the key out"), others
        )


def _outside(key: str, address: IPv4Address, network_key: str, network: IPv4Network) -> list[Problem]:
    """The problem of an address that must be a usable one of its network. Empty when it is."""
    if address not in network:
        rule, fix = f"is not in {network_key} {network}", f"use an address from {network[1]} to {network[-2]}"
        return [Problem(key, str(address), rule, fix, (network_key,))]
    if address in (network.network_address, network.broadcast_address):
        which = "network" if address == network.network_address else "broadcast"
        return [Problem(key, str(address), f"is the {which} address of {network}", "use another", (network_key,))]
    return []


def _planned(settings: PlatformSettings) -> dict[IPv4Address, str]:
    """The addresses on the edge network that the plan chooses, because the settings do not."""
    net, planned = settings.network, dict[IPv4Address, str]()
    if not settings.gateways.edge_addresses and net.public_vip != "provider-network":
        planned = {at(net.edge, GATEWAYS + i): f"gateway {i}" for i in range(settings.gateways.count)}
    if net.public_vip == "floating-ip":
        if net.public_vip_address is None:
            planned[net.edge[VIP]] = "the public VIP"
        if settings.api.load_balancer == "octavia":
            planned[net.edge[LOAD_BALANCER]] = "the load balancer of the API"
    return planned


def edge_addresses_are_free(context: Context) -> Iterator[Problem]:
    settings, net = context.settings, context.settings.network
    provider = net.public_vip == "provider-network"
    if net.edge.prefixlen > smallest_edge(settings) or (provider and "edge" not in net.model_fields_set):
        return
    holders = _planned(settings)
    router = net.edge_gateway or net.edge[ROUTER]
    if net.edge_gateway is not None:
        key = "network.edgeGateway"
        yield from _outside(key, router, "network.edge", net.edge)
        if router in holders:
            yield Problem(key, str(router), f"is the address of {holders[router]}", "use another", _LOOKED_AT)
    holders[router] = "the router of network.edge"
    addresses = [
        (f"{_EDGE_ADDRESSES}.{index}", address, f"gateway {index}")
        for index, address in enumerate(settings.gateways.edge_addresses)
    ]
    if net.public_vip_address is not None:
        addresses.insert(0, ("network.publicVipAddress", net.public_vip_address, "the public VIP"))
    first, last = at(net.edge, GATEWAYS + MOST_GATEWAYS), net.edge[-2]
    for key, address, holder in addresses:
        if outside := _outside(key, address, "network.edge", net.edge):
            yield from outside
            continue
        if address in holders:
            yield Problem(key, str(address), f"is the address of {holders[address]}", "use another", _LOOKED_AT)
        elif not provider and first <= address <= last:
            yield _in_pool(key, address, f"{first} to {last}", f"{net.edge[2]} to {first - 1}")
        holders.setdefault(address, holder)


def _in_pool(key: str, address: IPv4Address, pool: str, free: str) -> Problem:
    """An address that neutron may give to others. `pool` and `free` are ranges in words."""
    rule = f"is in the pool {pool} that neutron's DHCP gives to others"
    network = "network.private" if key == "network.privateVipAddress" else "network.edge"
    return Problem(key, str(address), rule, f"use a free address from {free}", others=(network,))


def private_vip_is_free(context: Context) -> Iterator[Problem]:
    net, plan = context.settings.network, context.planned
    key, address = "network.privateVipAddress", net.private_vip_address
    if address is None or net.private.prefixlen > SMALLEST_PRIVATE:
        return
    outside = _outside(key, address, "network.private", net.private)
    yield from outside
    if outside or plan is None:
        return
    first, last = map(IPv4Address, plan.private_pool)
    machine = next((machine for machine in plan.machines if machine.address == str(address)), None)
    free = f"{net.private[1]} to {net.private[GATEWAYS - 1]}"
    if machine is not None:
        fix, others = f"use one from {free}, where the plan puts no machine", ("network.private", "workers.*")
        yield Problem(key, str(address), f"is the address of {machine.name}", fix, others)
    elif first <= address <= last:
        yield _in_pool(key, address, f"{first} to {last}", free)


def outside_access_fails_over(context: Context) -> Iterator[Problem]:
    if context.settings.network.public_vip == "none" and context.settings.gateways.count > 1:
        rule = "outside access is lost with the first gateway, even if the others work"
        fix = "use floating-ip or provider-network for one that fails over"
        yield Problem("network.publicVip", "none", rule, fix)


def private_vip_leaves_room_for_machines(context: Context) -> Iterator[Problem]:
    private, address = context.settings.network.private, context.settings.network.private_vip_address
    if address is not None and address >= private[GATEWAYS]:
        rule = "is where the plan puts a machine when the platform grows"
        fix = f"use one from {private[1]} to {private[GATEWAYS - 1]}, before the first `pulumi up`"
        yield Problem("network.privateVipAddress", str(address), rule, fix)
