"""Checks against the cloud: each module has rules of one kind, all of them are asked every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from preflight.checks import (
    extensions,
    external,
    flavors,
    floating_ips,
    images,
    load_balancer,
    mtu,
    ownership,
    provider_network,
    quotas,
    services,
    vips,
    volumes,
    zones,
)
from preflight.subject import Subject
from settings.problem import Problem

Rule = Callable[[Subject], Iterator[Problem]]


def none(_: Subject) -> Iterator[Problem]:
    """No rule of that weight."""
    yield from ()


@dataclass(frozen=True)
class Check:
    """One line of the report: `errors` end the run, `warnings` are told, `told` says in a few words what was found."""

    name: str
    told: Callable[[Subject], str]
    errors: Rule = none
    warnings: Rule = none


ALL: tuple[Check, ...] = (
    Check("services", services.told, services.errors, services.warnings),
    Check("quotas", quotas.told, quotas.errors, quotas.warnings),
    Check("flavors", flavors.told, flavors.errors, flavors.warnings),
    Check("images", images.told, images.errors, images.warnings),
    Check("external network", external.told, external.errors),
    Check("floating IPs", floating_ips.told, floating_ips.errors),
    Check("provider network", provider_network.told, provider_network.errors, provider_network.warnings),
    Check("network extensions", extensions.told, extensions.errors, extensions.warnings),
    Check("MTU", mtu.told, mtu.errors, mtu.warnings),
    Check("availability zones", zones.told, zones.errors),
    Check("block storage", volumes.told, volumes.errors),
    Check("load balancer", load_balancer.told, load_balancer.errors),
    Check("VIP ports", vips.told, vips.errors, vips.warnings),
    Check("names", ownership.told, ownership.errors, ownership.warnings),
)


def errors(subject: Subject) -> Iterator[Problem]:
    """Everything that would end an `up` half-way."""
    for check in ALL:
        yield from check.errors(subject)


def warnings(subject: Subject) -> Iterator[Problem]:
    """What would go through and is unwise, and what could not be asked."""
    for check in ALL:
        yield from check.warnings(subject)
