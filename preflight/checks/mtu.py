"""MTU: what the networks carry, and what is left for the pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from preflight.context import Context
from settings import names
from settings.problem import Problem

KEY = "network.mtu"
#: Bytes that vxlan takes over IPv4: flannel's and Calico's overlay (RFC 7348, section 5).
OVERLAY: Final = 50
#: Least MTU that every IPv6 link has (RFC 8200, section 5): below it DNS answers and TLS hellos are cut in parts.
LEAST_FOR_PODS: Final = 1280


def _largest_known(context: Context) -> int | None:
    """The largest MTU of a network that the project sees: so much the cloud certainly carries."""
    return max((network.mtu for network in context.cloud.networks or () if network.mtu), default=None)


def _own(context: Context) -> int | None:
    """MTU that the machines' network has or will have; None while only the cloud knows."""
    name = names.private_network(context.cluster)
    made = next((network.mtu for network in context.cloud.networks or () if network.name == name), None)
    return context.settings.network.mtu or made


def summary(context: Context) -> str:
    """MTU of the machines' network."""
    own = _own(context)
    return f"{own} bytes, {own - OVERLAY} for pods" if own else "the cloud's own"


def errors(context: Context) -> Iterator[Problem]:
    """Larger than anything that the project sees: neutron refuses such a network, or packets get lost on the way out.

    The cloud's real limit is shown to administrators only.
    """
    wanted, largest = context.settings.network.mtu, _largest_known(context)
    if wanted and largest and wanted > largest:
        external = context.settings.network.external
        yield Problem(
            KEY,
            str(wanted),
            f"is larger than any network of the cloud that this project sees ({largest}; {external} included)",
            f"use {largest} or less, or leave it out: the cloud then uses the largest that it supports",
        )


def warnings(context: Context) -> Iterator[Problem]:
    """Too little for the pods."""
    own = _own(context)
    if own and own - OVERLAY < LEAST_FOR_PODS:
        yield Problem(
            KEY,
            str(own),
            f"leaves {own - OVERLAY} bytes for the pods, the overlay takes {OVERLAY}",
            f"have networks of {LEAST_FOR_PODS + OVERLAY} bytes or more",
        )
