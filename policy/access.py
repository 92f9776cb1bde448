"""Who may come in: security group rules, ports' guards and their extra addresses."""

from collections.abc import Mapping
from ipaddress import ip_network

from policy.record import PORT, RULE, Facts, Problems, Record, Rule
from settings import ports

#: Protocols under which TCP may travel: by name, by number, and any at all.
_TCP = ("tcp", "6", "", None, "0", "any")


def _from_anywhere(rule: Record) -> bool:
    """Whether an ingress rule admits the whole internet, or a half of it."""
    props = rule.props
    if props.get("direction") != "ingress" or props.get("remoteGroupId"):
        return False
    prefix = props.get("remoteIpPrefix")
    if not prefix:
        return "remoteGroupId" not in props
    try:
        return ip_network(str(prefix), strict=False).prefixlen <= 1
    except ValueError:
        return False


def _admits(rule: Record, port: int) -> bool:
    """Whether the rule's protocol and ports include this TCP port; a rule without ports includes all."""
    if rule.props.get("protocol") not in _TCP:
        return False
    first, last = rule.props.get("portRangeMin"), rule.props.get("portRangeMax")
    return not first or not last or int(first) <= port <= int(last)


def public_ssh(rule: Record, _: Facts) -> Problems:
    """SSH from anywhere."""
    if _from_anywhere(rule) and _admits(rule, ports.SSH):
        yield "lets anyone reach SSH", "set access.sshCidrs to the addresses of your own people and of CI"


def public_api(rule: Record, _: Facts) -> Problems:
    """The Kubernetes API from anywhere."""
    if _from_anywhere(rule) and _admits(rule, ports.API):
        yield "lets anyone reach the Kubernetes API", "set access.apiCidrs to those who use it"


def address_pairs(port: Record, _: Facts) -> Problems:
    """Allowed address pairs wider than one address: OVN takes none for a VIP, and a machine could pose as many."""
    for pair in port.props.get("allowedAddressPairs") or ():
        address = str(pair.get("ipAddress", "")) if isinstance(pair, Mapping) else ""
        if "/" in address and ip_network(address, strict=False).num_addresses > 1:
            yield f"allows the address pair {address}", "allow single addresses"


def unbound_vips(port: Record, _: Facts) -> Problems:
    """VIP ports that are bound to a device: keepalived could not move them."""
    binding = port.props.get("binding") or {}
    host = binding.get("hostId") if isinstance(binding, Mapping) else ""
    if port.name.endswith("vip") and (port.props.get("deviceId") or host):
        yield "is bound to a device", "leave deviceId and binding out: the gateways' pairs carry the VIP"


def guarded_ports(port: Record, _: Facts) -> Problems:
    """Ports without port security or groups, except the gateways' private ones, which route, and the unbound VIP."""
    if port.within(":gateway:") and not port.name.endswith("-edge"):
        return
    if port.props.get("portSecurityEnabled") is False:
        yield "has no port security", "remove port_security_enabled=False and name security groups"
    elif port.props.get("noSecurityGroups") and not port.name.endswith("vip"):
        yield "has no security group", "name security groups"


RULES = (
    Rule("no-public-ssh", "In production nobody reaches SSH from just anywhere.", public_ssh, (RULE,), production=True),
    Rule(
        "no-public-api",
        "In production the API is open to those who use it.",
        public_api,
        (RULE,),
        mandatory=False,
        production=True,
    ),
    Rule("single-address-pairs", "Allowed address pairs are single addresses.", address_pairs, (PORT,)),
    Rule("vip-ports-unbound", "The ports of the VIPs are bound to no device.", unbound_vips, (PORT,)),
    Rule(
        "ports-guarded",
        "Every port has port security and groups, but for the gateways' private one.",
        guarded_ports,
        (PORT,),
    ),
)
