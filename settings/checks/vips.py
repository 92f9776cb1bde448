"""VIPs: the addresses that move between the gateways, and what each kind of public VIP needs.

OVN gives NAT to an unbound port only when its address is a single-address allowed address pair of bound ones
(https://github.com/SovereignCloudStack/standards/issues/544): a VIP is one address that nobody else uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from settings.machines import MOST_GATEWAYS
from settings.plan import (
    GATEWAYS,
    LOAD_BALANCER,
    ROUTER,
    SMALLEST_PRIVATE,
    VIP,
    Plan,
    at,
    smallest_edge,
)
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

_EDGE_ADDRESSES = "gateways.edgeAddresses"
#: Keys that say which addresses are used on the edge network.
_LOOKED_AT = (
    "network.edge",
    "network.edgeGateway",
    "network.publicVip",
    "network.publicVipAddress",
    _EDGE_ADDRESSES,
    "gateways.count",
)


def errors(context: Context) -> Iterator[Problem]:
    """What each kind of VIP needs and excludes, and where its addresses may be."""
    settings, plan = context.settings, context.planned
    yield from _kind(settings)
    yield from _edge(settings)
    yield from _private(settings, plan)


def _kind(settings: PlatformSettings) -> Iterator[Problem]:
    net, given = settings.network, settings.gateways.edge_addresses
    mode = net.public_vip
    kind = ("network.publicVip",)
    provider = mode == "provider-network"
    if provider and "edge" not in net.model_fields_set:
        yield Problem(
            "network.edge",
            "",
            "is missing: with publicVip provider-network it is the range of the external network's subnet",
            "set it to the cidr that `openstack subnet show` prints",
            others=kind,
        )
    if provider and net.public_vip_address is None:
        yield Problem(
            "network.publicVipAddress",
            "",
            "is missing: with publicVip provider-network the VIP is an address of the external network",
            "set it to an address there that is yours",
            others=kind,
        )
    if mode == "none" and net.public_vip_address is not None:
        yield Problem(
            "network.publicVipAddress",
            str(net.public_vip_address),
            "cannot be combined with publicVip none",
            "remove it, or set network.publicVip",
            others=kind,
        )
    if mode != "floating-ip" and net.api_floating_ip is not None:
        yield Problem(
            "network.apiFloatingIp",
            str(net.api_floating_ip),
            f"cannot be combined with publicVip {mode}, which has no floating IP for it",
            "remove it, or use publicVip floating-ip",
            others=kind,
        )
    if mode != "floating-ip" and settings.api.load_balancer == "octavia":
        yield Problem(
            "api.loadBalancer",
            "octavia",
            f"cannot be combined with publicVip {mode}: the load balancer stands on the edge network, "
            "behind a floating IP",
            "use publicVip floating-ip, or loadBalancer gateways",
            others=kind,
        )
    count = settings.gateways.count
    if provider and not given:
        yield Problem(
            _EDGE_ADDRESSES,
            "",
            "is missing: with publicVip provider-network every gateway has an address of the external network",
            f"write one for each gateway, {count} in all",
            others=(*kind, "gateways.count"),
        )
    elif given and len(given) != count:
        yield Problem(
            _EDGE_ADDRESSES,
            f"[{', '.join(map(str, given))}]",
            f"must be one for each gateway, {count} in all",
            f"write {count}" + ("" if provider else ", or leave the key out"),
            others=(*kind, "gateways.count"),
        )


def _inside(key: str, address: IPv4Address, network_key: str, network: IPv4Network) -> Iterator[Problem]:
    """An address that must be a usable one of its network."""
    if address not in network:
        first, last = network[1], network[-2]
        yield Problem(
            key,
            str(address),
            f"is not in {network_key} {network}",
            f"use an address from {first} to {last}",
            (network_key,),
        )
    elif address in (network.network_address, network.broadcast_address):
        which = "network" if address == network.network_address else "broadcast"
        yield Problem(key, str(address), f"is the {which} address of {network}", "use another", (network_key,))


def _planned(settings: PlatformSettings) -> dict[IPv4Address, str]:
    """The addresses on the edge network that the plan chooses, because the settings do not."""
    net, given = settings.network, settings.gateways.edge_addresses
    planned = (
        {}
        if given or net.public_vip == "provider-network"
        else {at(net.edge, GATEWAYS + i): f"gateway {i}" for i in range(settings.gateways.count)}
    )
    if net.public_vip == "floating-ip":
        if net.public_vip_address is None:
            planned[net.edge[VIP]] = "the public VIP"
        if settings.api.load_balancer == "octavia":
            planned[net.edge[LOAD_BALANCER]] = "the load balancer of the API"
    return planned


def _edge(settings: PlatformSettings) -> Iterator[Problem]:
    net = settings.network
    provider = net.public_vip == "provider-network"
    if net.edge.prefixlen > smallest_edge(settings) or (provider and "edge" not in net.model_fields_set):
        return
    holders = _planned(settings)
    router = net.edge_gateway or net.edge[ROUTER]
    if net.edge_gateway is not None:
        yield from _inside("network.edgeGateway", router, "network.edge", net.edge)
        if router in holders:
            key = "network.edgeGateway"
            yield Problem(key, str(router), f"is the address of {holders[router]}", "use another", _LOOKED_AT)
    holders[router] = "the router of network.edge"
    addresses = [
        (f"{_EDGE_ADDRESSES}.{index}", address, f"gateway {index}")
        for index, address in enumerate(settings.gateways.edge_addresses)
    ]
    if net.public_vip_address is not None:
        addresses.insert(0, ("network.publicVipAddress", net.public_vip_address, "the public VIP"))
    pool = (at(net.edge, GATEWAYS + MOST_GATEWAYS), net.edge[-2])
    for key, address, holder in addresses:
        outside = list(_inside(key, address, "network.edge", net.edge))
        yield from outside
        if outside:
            continue
        if address in holders:
            yield Problem(key, str(address), f"is the address of {holders[address]}", "use another", _LOOKED_AT)
        elif not provider and pool[0] <= address <= pool[1]:
            yield _in_pool(key, address, "network.edge", pool, (net.edge[2], pool[0] - 1))
        holders.setdefault(address, holder)


def _in_pool(
    key: str,
    address: IPv4Address,
    network_key: str,
    pool: tuple[IPv4Address, IPv4Address],
    free: tuple[IPv4Address, IPv4Address],
) -> Problem:
    return Problem(
        key,
        str(address),
        f"is in the pool {pool[0]} to {pool[1]} that neutron's DHCP gives to others",
        f"use a free address from {free[0]} to {free[1]}",
        others=(network_key,),
    )


def _private(settings: PlatformSettings, plan: Plan | None) -> Iterator[Problem]:
    net = settings.network
    key, address = "network.privateVipAddress", net.private_vip_address
    if address is None or net.private.prefixlen > SMALLEST_PRIVATE:
        return
    outside = list(_inside(key, address, "network.private", net.private))
    yield from outside
    if outside or plan is None:
        return
    pool = (IPv4Address(plan.private_pool[0]), IPv4Address(plan.private_pool[1]))
    machine = next((machine for machine in plan.machines if machine.address == str(address)), None)
    free = (net.private[1], net.private[GATEWAYS - 1])
    if machine is not None:
        yield Problem(
            key,
            str(address),
            f"is the address of {machine.name}",
            f"use one from {free[0]} to {free[1]}, where the plan puts no machine",
            others=("network.private", "workers.*"),
        )
    elif pool[0] <= address <= pool[1]:
        yield _in_pool(key, address, "network.private", pool, free)


def warnings(context: Context) -> Iterator[Problem]:
    """Outside access that depends on one gateway, and a private VIP where the plan may put a machine."""
    settings = context.settings
    net = settings.network
    if net.public_vip == "none" and settings.gateways.count > 1:
        yield Problem(
            "network.publicVip",
            "none",
            "outside access is lost with the first gateway, even if the others work",
            "use floating-ip or provider-network for one that fails over",
        )
    if net.private_vip_address is not None:
        offset = int(net.private_vip_address) - int(net.private.network_address)
        if offset >= GATEWAYS:
            yield Problem(
                "network.privateVipAddress",
                str(net.private_vip_address),
                "is where the plan puts a machine when the platform grows",
                f"use one from {net.private[1]} to {net.private[GATEWAYS - 1]}, before the first `pulumi up`",
            )
