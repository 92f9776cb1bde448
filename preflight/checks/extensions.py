"""Neutron's extensions: what the platform's networks are made with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from preflight.context import Context
from settings.problem import Problem

#: Alias (https://docs.openstack.org/api-ref/network/v2/#extensions) and what it is needed for.
NEEDED: Final = {
    "allowed-address-pairs": "gateways carry the VIPs' addresses with it",
    "port-security": "a gateway forwards other machines' packets, which it would drop otherwise",
    "security-group": "it guards every machine",
    "standard-attr-tag": "the platform recognises its resources by tags",
}
FOR_ROUTER: Final = {
    "router": "the edge network is connected to a router",
    "external-net": "floating IPs come from such a network",
}
FOR_MTU: Final = {"net-mtu-writable": "network.mtu needs it"}
USEFUL: Final = {"quota_details": "without it the usage of quotas is not shown"}


def _wanted(context: Context) -> dict[str, str]:
    network = context.settings.network
    router = {} if network.public_vip == "provider-network" else FOR_ROUTER
    return NEEDED | router | (FOR_MTU if network.mtu else {})


def summary(context: Context) -> str:
    """Those that are needed."""
    return ", ".join(_wanted(context))


def _missing(context: Context, wanted: dict[str, str]) -> Iterator[tuple[str, str]]:
    known = context.cloud.extensions
    for alias, reason in wanted.items():
        if known is not None and alias not in known:
            yield alias, reason


def errors(context: Context) -> Iterator[Problem]:
    """An extension that nothing works without."""
    for alias, reason in _missing(context, _wanted(context)):
        fix = "leave network.mtu out" if alias in FOR_MTU else "ask the cloud's operators to enable it"
        yield Problem("OpenStack", f"extension {alias}", f"the cloud's network service lacks it: {reason}", fix)


def warnings(context: Context) -> Iterator[Problem]:
    """An extension that only the checks miss."""
    for alias, reason in _missing(context, USEFUL):
        yield Problem(
            "OpenStack",
            f"extension {alias}",
            f"the cloud's network service lacks it: {reason}",
            "check the quotas yourself",
        )
