"""Floating IPs: a pool with room, and the address that the user brings."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from preflight.context import Context
from preflight.quota_usage import Need, needs
from settings import names
from settings.problem import Problem

KEY = "network.apiFloatingIp"


def _need(context: Context) -> Need:
    return next(need for need in needs(context) if need.quota == "floatingip")


def summary(context: Context) -> str:
    """How many more, and of how many, where the pool's subnets are shown."""
    capacity, brought = _capacity(context), context.settings.network.api_floating_ip
    pool = f"of a pool of {capacity}" if capacity is not None else "of a pool whose size is hidden from this project"
    return f"{_need(context).more} more {pool}" + (f", {brought} is ours" if brought else "")


def _capacity(context: Context) -> int | None:
    """Addresses in the allocation pools of the external network; None where a mere member is not shown its subnets.

    How many of them other projects use is for administrators only (network-ip-availability).
    """
    if context.external is None:
        return None
    subnets = [subnet for subnet in context.cloud.subnets or () if subnet.network_id == context.external.id]
    pools = [pool for subnet in subnets for pool in subnet.pools]
    return sum(int(IPv4Address(last)) - int(IPv4Address(first)) + 1 for first, last in pools) if subnets else None


def errors(context: Context) -> Iterator[Problem]:
    """A pool that cannot hold the plan, an address that is not the project's, or one that serves something else."""
    capacity, need, external = _capacity(context), _need(context), context.external
    if capacity is not None and external is not None:
        taken = sum(1 for ip in context.cloud.floating_ips or () if ip.network_id == external.id)
        if need.more > capacity - taken:
            yield Problem(
                "network.external",
                external.name,
                f"has no room for {need.more} more floating IPs: its pools hold {capacity}, "
                f"{taken} of them are this project's",
                "use another external network, or ask for larger allocation pools",
            )
    brought = context.settings.network.api_floating_ip
    if brought is None or context.cloud.floating_ips is None:
        return
    found = next((ip for ip in context.cloud.floating_ips if ip.address == str(brought)), None)
    if found is None:
        free = ", ".join(ip.address for ip in context.cloud.floating_ips if not ip.port_id)
        yield Problem(
            KEY,
            str(brought),
            "this project owns no such floating IP",
            f"allocate it, {f'name one that is free ({free}), ' if free else ''}or leave the key out",
        )
    elif external is not None and found.network_id != external.id:
        yield Problem(KEY, found.address, f"is not of the external network {external.name}", "name one of that network")
    elif found.port_id and found.port_name != names.public_vip_port(context.cluster):
        yield Problem(
            KEY,
            found.address,
            f"is in use by the port {found.port_name or found.port_id} ({found.fixed_address})",
            "disassociate it there, name another one, or leave the key out",
        )
