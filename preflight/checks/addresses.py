"""Addresses: floating IPs, and the VIPs' ports, which are unbound and ours.

OVN makes an address move between machines only when its own port is bound to nothing and the machines carry it as a
single allowed address (https://github.com/SovereignCloudStack/standards/issues/544).
"""

from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address

from preflight.cloud import Port
from preflight.context import Context
from preflight.quota_usage import needs
from settings import names
from settings.problem import Problem


def floating_ips_summary(context: Context) -> str:
    """How many more, and of how many, where the pool's subnets are shown."""
    capacity, brought = _capacity(context), context.settings.network.api_floating_ip
    pool = f"of a pool of {capacity}" if capacity is not None else "of a pool whose size is hidden from this project"
    return f"{_more(context)} more {pool}" + (f", {brought} is ours" if brought else "")


def _more(context: Context) -> int:
    return next(need.more for need in needs(context) if need.quota == "floatingip")


def _capacity(context: Context) -> int | None:
    """Addresses in the allocation pools of the external network; None where a mere member is not shown its subnets.

    How many of them other projects use is for administrators only (network-ip-availability).
    """
    external = context.external
    subnets = [subnet for subnet in context.cloud.subnets or () if external and subnet.network_id == external.id]
    pools = [pool for subnet in subnets for pool in subnet.pools]
    return sum(int(IPv4Address(last)) - int(IPv4Address(first)) + 1 for first, last in pools) if subnets else None


def pool(context: Context) -> Iterator[Problem]:
    """A pool of floating IPs that cannot hold the plan."""
    capacity, more, external = _capacity(context), _more(context), context.external
    if capacity is None or external is None:
        return
    taken = sum(1 for ip in context.cloud.floating_ips or () if ip.network_id == external.id)
    if more > capacity - taken:
        held = f"its pools hold {capacity}, {taken} of them are this project's"
        fix = "use another external network, or ask for larger allocation pools"
        yield Problem("network.external", external.name, f"has no room for {more} more floating IPs: {held}", fix)


def brought(context: Context) -> Iterator[Problem]:
    """A floating IP of the user that is not the project's, or serves something else."""
    address, known, external = context.settings.network.api_floating_ip, context.cloud.floating_ips, context.external
    if address is None or known is None:
        return
    wrong = partial(Problem, "network.apiFloatingIp", str(address))
    found = next((ip for ip in known if ip.address == str(address)), None)
    if found is None:
        free = ", ".join(ip.address for ip in known if not ip.port_id)
        instead = f"name one that is free ({free}), " if free else ""
        yield wrong("this project owns no such floating IP", f"allocate it, {instead}or leave the key out")
    elif external is not None and found.network_id != external.id:
        yield wrong(f"is not of the external network {external.name}", "name one of that network")
    elif found.port_id and found.port_name != names.public_vip_port(context.cluster):
        rule = f"is in use by the port {found.port_name or found.port_id} ({found.fixed_address})"
        yield wrong(rule, "disassociate it there, name another one, or leave the key out")


def _vips(context: Context) -> dict[str, str]:
    """The VIPs' addresses with their keys in the stack file."""
    plan = context.plan
    keys = {plan.private_vip: "network.privateVipAddress"}
    return keys | ({plan.public_vip: "network.publicVipAddress"} if plan.public_vip else {})


def vips_summary(context: Context) -> str:
    """The addresses."""
    return ", ".join(_vips(context))


def _ports(context: Context) -> Iterator[Port]:
    """The ports on the networks that the VIPs are on."""
    wanted = {names.private_network(context.cluster), names.edge_network(context.cluster)}
    mine = [one for one in context.cloud.networks or () if one.project_id == context.cloud.project_id]
    networks = {network.id for network in mine if network.name in wanted}
    if context.settings.network.public_vip == "provider-network" and context.external:
        networks.add(context.external.id)
    return (port for port in context.cloud.ports or () if port.network_id in networks)


def taken_vips(context: Context) -> Iterator[Problem]:
    """A port on a VIP's address that is bound, or that is not ours."""
    keys = _vips(context)
    for port in _ports(context):
        title = f"the port {port.name or port.id}"
        for address in keys.keys() & set(port.addresses):
            wrong, free = partial(Problem, keys[address], address), f"set {keys[address]} to a free address"
            if port.device_id:
                yield wrong(
                    f"{title} on that address is bound to {port.device_owner or 'a machine'} {port.device_id}: a VIP's "
                    "port stays unbound, or OVN does not let the address move",
                    f"detach it, or {free}",
                )
            elif context.tag not in port.tags:
                yield wrong(f"is used by {title}, which is not this platform's", f"remove the port, or {free}")


def wide_pairs(context: Context) -> Iterator[Problem]:
    """A port of ours that carries more than single addresses."""
    for port in _ports(context):
        wide = [pair for pair in port.pairs if "/" in pair and not pair.endswith("/32")]
        if wide and context.tag in port.tags:
            carries = f"the port {port.name or port.id} carries the pair {', '.join(wide)}"
            rule, fix = f"{carries}: OVN takes single addresses only", "`pulumi up --refresh` sets it back"
            yield Problem("network.publicVip", context.settings.network.public_vip, rule, fix)
