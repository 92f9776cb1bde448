"""The VIPs' ports: unbound, and ours.

OVN makes an address move between machines only when its own port is bound to nothing and the machines carry it as a
single allowed address (https://github.com/SovereignCloudStack/standards/issues/544).
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.cloud import Port
from preflight.context import Context
from settings import names
from settings.problem import Problem


def _networks(context: Context) -> frozenset[str]:
    """Ids of the networks that the VIPs are on."""
    cluster, network = context.cluster, context.settings.network
    wanted = {names.private_network(cluster), names.edge_network(cluster)}
    ids = {
        found.id
        for found in context.cloud.networks or ()
        if found.name in wanted and found.project_id == context.cloud.project_id
    }
    if network.public_vip == "provider-network" and context.external:
        ids.add(context.external.id)
    return frozenset(ids)


def _keys(context: Context) -> dict[str, str]:
    """The VIPs' addresses with their keys in the stack file."""
    plan = context.plan
    keys = {plan.private_vip: "network.privateVipAddress"}
    return keys | ({plan.public_vip: "network.publicVipAddress"} if plan.public_vip else {})


def _ports(context: Context) -> Iterator[Port]:
    networks = _networks(context)
    for port in context.cloud.ports or ():
        if port.network_id in networks:
            yield port


def summary(context: Context) -> str:
    """The addresses."""
    return ", ".join(_keys(context))


def errors(context: Context) -> Iterator[Problem]:
    """A port on a VIP's address that is bound, or that is not ours."""
    keys = _keys(context)
    for port in _ports(context):
        for address in keys.keys() & set(port.addresses):
            title = f"the port {port.name or port.id}"
            if port.device_id:
                yield Problem(
                    keys[address],
                    address,
                    f"{title} on that address is bound to {port.device_owner or 'a machine'} {port.device_id}: a VIP's "
                    "port stays unbound, or OVN does not let the address move",
                    f"detach it, or set {keys[address]} to a free address",
                )
            elif context.tag not in port.tags:
                yield Problem(
                    keys[address],
                    address,
                    f"is used by {title}, which is not this platform's",
                    f"remove the port, or set {keys[address]} to a free address",
                )


def warnings(context: Context) -> Iterator[Problem]:
    """A port of ours that carries more than single addresses."""
    for port in _ports(context):
        wide = [pair for pair in port.pairs if "/" in pair and not pair.endswith("/32")]
        if wide and context.tag in port.tags:
            yield Problem(
                "network.publicVip",
                context.settings.network.public_vip,
                f"the port {port.name or port.id} carries the pair {', '.join(wide)}: OVN takes single addresses only",
                "`pulumi up --refresh` sets it back",
            )
