"""Networks: sizes, overlaps, and addresses that must not be inside the platform's own ranges."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Final

from settings.checks.urls import host_address, urls
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

#: Ranges that no network can be part of, and what they are (https://www.iana.org/assignments/iana-ipv4-special-registry).
RESERVED: Final = (
    (IPv4Network("0.0.0.0/8"), "this host"),
    (IPv4Network("127.0.0.0/8"), "loopback"),
    (IPv4Network("169.254.0.0/16"), "link-local, where the metadata service is"),
    (IPv4Network("224.0.0.0/4"), "multicast"),
    (IPv4Network("240.0.0.0/4"), "reserved"),
)
#: Each node takes one (kube-controller-manager's --node-cidr-mask-size).
NODE_PREFIX: Final = 24
#: kube-apiserver accepts 2^20 addresses at most. A /28 still has the DNS service's tenth address.
LARGEST_SERVICES, SMALLEST_SERVICES = 12, 28


#: neutron's max_dns_nameservers, and how many a resolver asks (resolv.conf(5), MAXNS).
MOST_NAME_SERVERS, USED_NAME_SERVERS = 5, 3


def ranges(settings: PlatformSettings) -> dict[str, IPv4Network]:
    """The platform's own networks by key."""
    net = settings.network
    return {
        "network.edge": net.edge,
        "network.private": net.private,
        "network.pods": net.pods,
        "network.services": net.services,
    }


def errors(context: Context) -> Iterator[Problem]:
    """Overlaps, reserved ranges, sizes, and outside addresses inside the platform's ranges."""
    settings = context.settings
    own = ranges(settings)
    written = {f"network.{name}" for name in settings.network.model_fields_set}
    for one, two in combinations(own, 2):
        if own[one].overlaps(own[two]):
            # The user changes the range that the user has set.
            named, other = (one, two) if one in written and two not in written else (two, one)
            yield Problem(
                named,
                str(own[named]),
                f"overlaps {other} {own[other]}",
                "choose ranges that do not overlap",
                others=(other,),
            )
    for key, network in own.items():
        for reserved, what in RESERVED:
            if network.overlaps(reserved):
                yield Problem(key, str(network), f"is in {reserved} ({what})", "use a private range (RFC 1918)")
    yield from _sizes(settings)
    yield from _name_servers(settings)
    yield from _outside_addresses(settings)


def _sizes(settings: PlatformSettings) -> Iterator[Problem]:
    pods, services = settings.network.pods, settings.network.services
    nodes = settings.control_planes.count + sum(len(pool.places) for pool in settings.workers.values())
    room = 2 ** (NODE_PREFIX - pods.prefixlen) if pods.prefixlen <= NODE_PREFIX else 0
    if nodes > room:
        needed = NODE_PREFIX - max(nodes - 1, 0).bit_length()
        holds = f"it holds {room:,}" if room else "it does not hold one"
        yield Problem(
            "network.pods",
            str(pods),
            f"is too small: each of {nodes:,} nodes takes a /{NODE_PREFIX}, and {holds}",
            f"use a /{needed} or larger",
            others=("workers.*", "controlPlanes.count"),
        )
    if not LARGEST_SERVICES <= services.prefixlen <= SMALLEST_SERVICES:
        yield Problem(
            "network.services",
            str(services),
            f"must be between /{LARGEST_SERVICES} (kube-apiserver accepts no more) and /{SMALLEST_SERVICES}",
            "use a /16",
        )


def _name_servers(settings: PlatformSettings) -> Iterator[Problem]:
    servers = settings.network.dns_servers
    for index, server in enumerate(servers):
        if server in servers[:index]:
            yield Problem(
                f"network.dnsServers.{index}", str(server), "is listed twice: neutron refuses duplicates", "remove it"
            )
    if len(servers) > MOST_NAME_SERVERS:
        yield Problem(
            "network.dnsServers",
            f"[{', '.join(map(str, servers))}]",
            f"are more than the {MOST_NAME_SERVERS} that neutron accepts",
            f"keep {USED_NAME_SERVERS}",
        )


def _outside_addresses(settings: PlatformSettings) -> Iterator[Problem]:
    """Name servers, mirrors, proxies and the user's own floating IP are outside the platform's ranges."""
    net = settings.network
    outside: list[tuple[str, str, IPv4Address]] = [
        (f"network.dnsServers.{index}", str(server), server) for index, server in enumerate(net.dns_servers)
    ]
    outside += [(key, url, address) for key, url in urls(settings) if (address := host_address(url)) is not None]
    if net.api_floating_ip is not None:
        outside.append(("network.apiFloatingIp", str(net.api_floating_ip), net.api_floating_ip))
    for key, value, address in outside:
        for reserved, what in RESERVED:
            if address in reserved:
                yield Problem(
                    key, value, f"is in {reserved} ({what}), which no machine can reach", "use its own address"
                )
        for own, network in ranges(settings).items():
            # There are others on the provider's network too.
            provider = own == "network.edge" and net.public_vip == "provider-network" and key != "network.apiFloatingIp"
            if address in network and not provider:
                yield Problem(
                    key,
                    value,
                    f"is in {own} {network}, which is the platform's own",
                    f"use its address outside, or move {own}",
                    others=(own, "network.publicVip"),
                )


def warnings(context: Context) -> Iterator[Problem]:
    """Public ranges that somebody else owns, and name servers that are never asked."""
    settings = context.settings
    if len(settings.network.dns_servers) > USED_NAME_SERVERS:
        yield Problem(
            "network.dnsServers",
            f"{len(settings.network.dns_servers)} servers",
            f"a resolver asks the first {USED_NAME_SERVERS} only",
            f"keep {USED_NAME_SERVERS}",
        )
    own = ranges(settings)
    if settings.network.public_vip == "provider-network":
        del own["network.edge"]
    for key, network in own.items():
        if network.is_global:
            yield Problem(
                key,
                str(network),
                "is a public range: whoever owns these addresses cannot be reached from here",
                "use a private range (RFC 1918)",
            )
