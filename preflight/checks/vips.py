"""The VIPs' ports: unbound, and ours.

OVN makes an address move between machines only when its own port is bound to nothing and the machines carry it as a
single allowed address (https://github.com/SovereignCloudStack/standards/issues/544).
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.cloud import Port
from preflight.subject import Subject
from settings import names
from settings.problem import Problem


def _networks(subject: Subject) -> frozenset[str]:
    """Ids of the networks that the VIPs are on."""
    cluster, network = subject.platform.cluster, subject.platform.settings.network
    wanted = {names.private_network(cluster), names.edge_network(cluster)}
    ids = {
        found.id
        for found in subject.cloud.networks or ()
        if found.name in wanted and found.project_id == subject.cloud.project_id
    }
    if network.public_vip == "provider-network" and subject.external:
        ids.add(subject.external.id)
    return frozenset(ids)


def _keys(subject: Subject) -> dict[str, str]:
    """The VIPs' addresses with their keys in the stack file."""
    plan = subject.platform.addresses
    keys = {plan.private_vip: "network.privateVipAddress"}
    return keys | ({plan.public_vip: "network.publicVipAddress"} if plan.public_vip else {})


def _ports(subject: Subject) -> Iterator[Port]:
    networks = _networks(subject)
    for port in subject.cloud.ports or ():
        if port.network_id in networks:
            yield port


def told(subject: Subject) -> str:
    """The addresses."""
    return ", ".join(_keys(subject))


def errors(subject: Subject) -> Iterator[Problem]:
    """A port on a VIP's address that is bound, or that is not ours."""
    keys = _keys(subject)
    for port in _ports(subject):
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
            elif subject.tag not in port.tags:
                yield Problem(
                    keys[address],
                    address,
                    f"is taken by {title}, which is not this platform's",
                    f"remove the port, or set {keys[address]} to a free address",
                )


def warnings(subject: Subject) -> Iterator[Problem]:
    """A port of ours that carries more than single addresses."""
    for port in _ports(subject):
        wide = [pair for pair in port.pairs if "/" in pair and not pair.endswith("/32")]
        if wide and subject.tag in port.tags:
            yield Problem(
                "network.publicVip",
                subject.platform.settings.network.public_vip,
                f"the port {port.name or port.id} carries the pair {', '.join(wide)}: OVN takes single addresses only",
                "`pulumi up --refresh` sets it back",
            )
