"""MTU: what the networks carry, and what is left for the pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from preflight.subject import Subject
from settings import names
from settings.problem import Problem

KEY = "network.mtu"
#: Bytes that vxlan takes over IPv4: flannel's and Calico's overlay (RFC 7348, section 5).
OVERLAY: Final = 50
#: Least MTU that every IPv6 link has (RFC 8200, section 5): below it DNS answers and TLS hellos are cut in parts.
LEAST_FOR_PODS: Final = 1280


def _largest_known(subject: Subject) -> int | None:
    """The largest MTU of a network that the project sees: so much the cloud certainly carries."""
    return max((network.mtu for network in subject.cloud.networks or () if network.mtu), default=None)


def _own(subject: Subject) -> int | None:
    """MTU that the machines' network has or will have; None while only the cloud knows."""
    name = names.private_network(subject.platform.cluster)
    made = next((network.mtu for network in subject.cloud.networks or () if network.name == name), None)
    return subject.platform.settings.network.mtu or made


def told(subject: Subject) -> str:
    """MTU of the machines' network."""
    own = _own(subject)
    return f"{own} bytes, {own - OVERLAY} for pods" if own else "the cloud's own"


def errors(subject: Subject) -> Iterator[Problem]:
    """Larger than anything that the project sees: neutron refuses such a network, or packets get lost on the way out.

    The cloud's real limit is shown to administrators only.
    """
    wanted, largest = subject.platform.settings.network.mtu, _largest_known(subject)
    if wanted and largest and wanted > largest:
        external = subject.platform.settings.network.external
        yield Problem(
            KEY,
            str(wanted),
            f"is larger than any network of the cloud that this project sees ({largest}; {external} included)",
            f"use {largest} or less, or leave it out: then the cloud takes the largest that it carries",
        )


def warnings(subject: Subject) -> Iterator[Problem]:
    """Too little for the pods."""
    own = _own(subject)
    if own and own - OVERLAY < LEAST_FOR_PODS:
        yield Problem(
            KEY,
            str(own),
            f"leaves {own - OVERLAY} bytes for the pods, the overlay takes {OVERLAY}",
            f"have networks of {LEAST_FOR_PODS + OVERLAY} bytes or more",
        )
