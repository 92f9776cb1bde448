"""Who may come in: security group rules, ports' guards and their extra addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network

from policy.record import PORT, RULE, Facts, Found, Record, Rule
from settings import ports

#: Protocols under which TCP may travel: by name, by number, and any at all.
_TCP = ("tcp", "6", "", None, "0", "any")


def _from_anywhere(record: Record) -> bool:
    """Whether an ingress rule admits the whole internet, one or a few halves of it counted, too."""
    props = record.props
    if record.type != RULE or props.get("direction") != "ingress" or props.get("remoteGroupId"):
        return False
    prefix = props.get("remoteIpPrefix")
    if not prefix:
        return "remoteGroupId" not in props
    try:
        return ip_network(str(prefix), strict=False).prefixlen <= 1
    except ValueError:
        return False


def _admits(record: Record, port: int) -> bool:
    """Whether the rule's protocol and ports include this TCP port; a rule without ports includes all."""
    props = record.props
    if props.get("protocol") not in _TCP:
        return False
    first, last = props.get("portRangeMin"), props.get("portRangeMax")
    return not first or not last or int(first) <= port <= int(last)


def public_ssh(records: Sequence[Record], facts: Facts) -> Found:
    """SSH from anywhere, in production."""
    for record in records if facts.production else ():
        if _from_anywhere(record) and _admits(record, ports.SSH):
            yield record, "lets anyone reach SSH", "set access.sshCidrs to the addresses of your own people and of CI"


def public_api(records: Sequence[Record], facts: Facts) -> Found:
    """The Kubernetes API from anywhere, in production."""
    for record in records if facts.production else ():
        if _from_anywhere(record) and _admits(record, ports.API):
            yield record, "lets anyone reach the Kubernetes API", "set access.apiCidrs to those who use it"


def address_pairs(records: Sequence[Record], _: Facts) -> Found:
    """Allowed address pairs wider than one address: OVN takes none for a VIP, and a machine could pose as many."""
    for record in records:
        pairs = record.props.get("allowedAddressPairs") if record.type == PORT else None
        for pair in pairs or ():
            address = str(pair.get("ipAddress", "")) if isinstance(pair, Mapping) else ""
            if "/" in address and ip_network(address, strict=False).num_addresses > 1:
                yield record, f"allows the address pair {address}", "allow single addresses"


def unbound_vips(records: Sequence[Record], _: Facts) -> Found:
    """VIP ports that are bound to a device: keepalived could not move them."""
    for record in records:
        if record.type == PORT and record.name.endswith("vip"):
            props = record.props
            binding = props.get("binding") or {}
            host = binding.get("hostId") if isinstance(binding, Mapping) else ""
            if props.get("deviceId") or host:
                yield (
                    record,
                    "is bound to a device",
                    "leave deviceId and binding out: the gateways' pairs carry the VIP",
                )


def guarded_ports(records: Sequence[Record], _: Facts) -> Found:
    """Ports without port security or groups, but for the gateways' private ones, which route, and the unbound VIP."""
    for record in records:
        if record.type != PORT or (record.within(":gateway:") and not record.name.endswith("-edge")):
            continue
        if record.props.get("portSecurityEnabled") is False:
            yield record, "has no port security", "remove port_security_enabled=False and name security groups"
        elif record.props.get("noSecurityGroups") and not record.name.endswith("vip"):
            yield record, "has no security group", "name security groups"


RULES = (
    Rule("no-public-ssh", "In production nobody reaches SSH from just anywhere.", public_ssh),
    Rule("no-public-api", "In production the API is open to those who use it.", public_api, mandatory=False),
    Rule("single-address-pairs", "Allowed address pairs are single addresses.", address_pairs),
    Rule("vip-ports-unbound", "The ports of the VIPs are bound to no device.", unbound_vips),
    Rule("ports-guarded", "Every port has port security and groups, but for the gateways' private one.", guarded_ports),
)
