"""Networks: sizes, overlaps, addresses that must be outside the platform's own ranges, and who may come in."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Final

from settings.checks.mirrors import address_of, host_address, urls
from settings.plan import DYNAMIC, SMALLEST_PRIVATE, smallest_edge
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
#: The largest private range there is (RFC 1918).
LARGEST_PRIVATE: Final = 8
#: Each node takes one (kube-controller-manager's --node-cidr-mask-size).
NODE_PREFIX: Final = 24
#: kube-apiserver accepts 2^20 addresses at most. A /28 still has the DNS service's tenth address.
LARGEST_SERVICES, SMALLEST_SERVICES = 12, 28
#: neutron's max_dns_nameservers, and how many a resolver asks (resolv.conf(5), MAXNS).
MOST_NAME_SERVERS, USED_NAME_SERVERS = 5, 3
#: A DNS name, the first label of which may be a wildcard (RFC 6125, section 6.4.3).
_DNS_NAME: Final = re.compile(
    r"(\*\.)?([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
)
#: Longest DNS name (RFC 1035, section 2.3.4).
_LONGEST_NAME: Final = 253


def ranges(settings: PlatformSettings) -> dict[str, IPv4Network]:
    """The platform's own networks by key."""
    net = settings.network
    own = {"edge": net.edge, "private": net.private, "pods": net.pods, "services": net.services}
    return {f"network.{name}": network for name, network in own.items()}


def networks_hold_the_fixed_roles(context: Context) -> Iterator[Problem]:
    settings, net = context.settings, context.settings.network
    for key, network, smallest, what in (
        ("network.edge", net.edge, smallest_edge(settings), "router, VIP and gateways"),
        ("network.private", net.private, SMALLEST_PRIVATE, "VIP, gateways, etcd, control planes and neutron"),
    ):
        if network.prefixlen > smallest:
            rule = f"is too small: {what} need a /{smallest}"
            yield Problem(key, str(network), rule, f"use a /{smallest} or larger")


def private_network_holds_every_worker(context: Context) -> Iterator[Problem]:
    """The fixed roles are below the workers, and neutron's addresses above them."""
    private, workers = context.settings.network.private, context.settings.workers
    last, end = 0, private.num_addresses - 1 - DYNAMIC
    for name, pool in sorted(workers.items()):
        for key, place in sorted(pool.places.items()):
            if pool.offset + place > last:
                last, last_name = pool.offset + place, f"worker-{name}-{key}"
    if last >= end:
        rule = (
            f"is too small: {last_name} would have address {last:,} of {private.num_addresses:,}, of which the last "
            f"{DYNAMIC + 1} are neutron's and the broadcast's"
        )
        fitting = 32 - (last + 1 + DYNAMIC).bit_length()
        fix = (
            f"use a /{fitting} or larger, or fewer workers"
            if fitting >= LARGEST_PRIVATE
            else "use lower places and firstAddress"
        )
        yield Problem("network.private", str(private), rule, fix, others=("workers.*", "network.private"))


def ranges_do_not_overlap(context: Context) -> Iterator[Problem]:
    own = ranges(context.settings)
    written = {f"network.{name}" for name in context.settings.network.model_fields_set}
    for one, two in combinations(own, 2):
        if own[one].overlaps(own[two]):
            # The user changes the range that the user has set.
            key, other = (one, two) if one in written and two not in written else (two, one)
            rule, fix = f"overlaps {other} {own[other]}", "choose ranges that do not overlap"
            yield Problem(key, str(own[key]), rule, fix, others=(other,))


def ranges_are_not_reserved(context: Context) -> Iterator[Problem]:
    for key, network in ranges(context.settings).items():
        for reserved, what in RESERVED:
            if network.overlaps(reserved):
                yield Problem(key, str(network), f"is in {reserved} ({what})", "use a private range (RFC 1918)")


def every_node_has_a_range_of_pods(context: Context) -> Iterator[Problem]:
    settings, pods = context.settings, context.settings.network.pods
    nodes = settings.control_planes.count + sum(len(pool.places) for pool in settings.workers.values())
    room = 2 ** (NODE_PREFIX - pods.prefixlen) if pods.prefixlen <= NODE_PREFIX else 0
    if nodes > room:
        holds = f"it holds {room:,}" if room else "it does not hold one"
        rule = f"is too small: each of {nodes:,} nodes takes a /{NODE_PREFIX}, and {holds}"
        fix = f"use a /{NODE_PREFIX - max(nodes - 1, 0).bit_length()} or larger"
        yield Problem("network.pods", str(pods), rule, fix, others=("workers.*", "controlPlanes.count"))


def kube_apiserver_accepts_the_range_of_services(context: Context) -> Iterator[Problem]:
    services = context.settings.network.services
    if not LARGEST_SERVICES <= services.prefixlen <= SMALLEST_SERVICES:
        rule = f"must be between /{LARGEST_SERVICES} (kube-apiserver accepts no more) and /{SMALLEST_SERVICES}"
        yield Problem("network.services", str(services), rule, "use a /16")


def neutron_accepts_the_name_servers(context: Context) -> Iterator[Problem]:
    key, servers = "network.dnsServers", context.settings.network.dns_servers
    for index, server in enumerate(servers):
        if server in servers[:index]:
            rule = "is listed twice: neutron refuses duplicates"
            yield Problem(f"{key}.{index}", str(server), rule, "remove it")
    if len(servers) > MOST_NAME_SERVERS:
        rule = f"are more than the {MOST_NAME_SERVERS} that neutron accepts"
        yield Problem(key, f"[{', '.join(map(str, servers))}]", rule, f"keep {USED_NAME_SERVERS}")


def every_name_server_is_asked(context: Context) -> Iterator[Problem]:
    count = len(context.settings.network.dns_servers)
    if count > USED_NAME_SERVERS:
        rule = f"a resolver asks the first {USED_NAME_SERVERS} only"
        yield Problem("network.dnsServers", f"{count} servers", rule, f"keep {USED_NAME_SERVERS}")


def outside_addresses_are_outside(context: Context) -> Iterator[Problem]:
    """Name servers, mirrors, proxies and the user's own floating IP are outside the platform's ranges."""
    settings, net = context.settings, context.settings.network
    outside: list[tuple[str, str, IPv4Address]] = [
        (f"network.dnsServers.{index}", str(server), server) for index, server in enumerate(net.dns_servers)
    ]
    outside += [(key, url, address) for key, url in urls(settings) if (address := host_address(url)) is not None]
    if net.api_floating_ip is not None:
        outside.append(("network.apiFloatingIp", str(net.api_floating_ip), net.api_floating_ip))
    for key, value, address in outside:
        for reserved, what in RESERVED:
            if address in reserved:
                rule = f"is in {reserved} ({what}), which no machine can reach"
                yield Problem(key, value, rule, "use its own address")
        for own, network in ranges(settings).items():
            # There are others on the provider's network too.
            provider = own == "network.edge" and net.public_vip == "provider-network" and key != "network.apiFloatingIp"
            if address in network and not provider:
                rule, fix = (
                    f"is in {own} {network}, which is the platform's own",
                    f"use its address outside, or move {own}",
                )
                yield Problem(key, value, rule, fix, others=(own, "network.publicVip"))


def ranges_are_private(context: Context) -> Iterator[Problem]:
    for key, network in ranges(context.settings).items():
        provider = key == "network.edge" and context.settings.network.public_vip == "provider-network"
        if network.is_global and not provider:
            rule = "is a public range: whoever owns these addresses cannot be reached from here"
            yield Problem(key, str(network), rule, "use a private range (RFC 1918)")


def pulumi_and_openstack_accept_who_may_come_in(context: Context) -> Iterator[Problem]:
    """Pulumi itself needs SSH and the API, and OpenStack refuses the same rule twice."""
    access = context.settings.access
    for key, networks, why in (
        ("access.sshCidrs", access.ssh_cidrs, "Pulumi configures every machine by SSH through the gateways"),
        ("access.apiCidrs", access.api_cidrs, "Pulumi installs the addons through the API"),
        ("access.ingressCidrs", access.ingress_cidrs, ""),
    ):
        if why and not networks:
            yield Problem(key, "[]", f"lets nobody in, but {why}", "add the range of the machine that runs Pulumi")
        for index, network in enumerate(networks):
            if network in networks[:index]:
                rule = "is listed twice: OpenStack refuses the same rule twice"
                yield Problem(f"{key}.{index}", str(network), rule, "remove it")


def certificate_names_are_names_listed_once(context: Context) -> Iterator[Problem]:
    names = context.settings.api.certificate_names
    for index, name in enumerate(names):
        key = f"api.certificateNames.{index}"
        if name in names[:index]:
            yield Problem(key, name, "is listed twice", "remove it")
        elif not _is_host(name):
            rule = "must be a DNS name or an IPv4 address, without scheme, port or path"
            yield Problem(key, name, rule, "write it as api.example.org")


def _is_host(name: str) -> bool:
    if name.replace(".", "").isdigit():
        return address_of(name) is not None
    return bool(_DNS_NAME.fullmatch(name)) and len(name) <= _LONGEST_NAME
