"""The checks against the cloud, one module each, and the table of their rules, all of which run every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

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
from preflight.context import Context
from settings.problem import Problem
from settings.rules import Rule, found


@dataclass(frozen=True)
class Check:
    """One line of the report: its rules, and `summary`, which says in a few words what was found."""

    name: str
    summary: Callable[[Context], str]
    rules: tuple[Rule[Context], ...]

    def errors(self, context: Context) -> Iterator[Problem]:
        """What would end an `up` half-way."""
        return found(self.rules, "error", context)

    def warnings(self, context: Context) -> Iterator[Problem]:
        """What would go through and is unwise, and what could not be asked."""
        return found(self.rules, "warning", context)


ALL: Final = (
    Check("services", services.summary, (Rule("error", services.errors), Rule("warning", services.warnings))),
    Check("quotas", quotas.summary, (Rule("error", quotas.errors), Rule("warning", quotas.warnings))),
    Check("flavors", flavors.summary, (Rule("error", flavors.errors), Rule("warning", flavors.warnings))),
    Check("images", images.summary, (Rule("error", images.errors), Rule("warning", images.warnings))),
    Check("external network", external.summary, (Rule("error", external.errors),)),
    Check("floating IPs", floating_ips.summary, (Rule("error", floating_ips.errors),)),
    Check(
        "provider network",
        provider_network.summary,
        (Rule("error", provider_network.errors), Rule("warning", provider_network.warnings)),
    ),
    Check(
        "network extensions",
        extensions.summary,
        (Rule("error", extensions.errors), Rule("warning", extensions.warnings)),
    ),
    Check("MTU", mtu.summary, (Rule("error", mtu.errors), Rule("warning", mtu.warnings))),
    Check("availability zones", zones.summary, (Rule("error", zones.errors),)),
    Check("block storage", volumes.summary, (Rule("error", volumes.errors),)),
    Check("load balancer", load_balancer.summary, (Rule("error", load_balancer.errors),)),
    Check("VIP ports", vips.summary, (Rule("error", vips.errors), Rule("warning", vips.warnings))),
    Check("names", ownership.summary, (Rule("error", ownership.errors), Rule("warning", ownership.warnings))),
)
_RULES: Final = tuple(rule for check in ALL for rule in check.rules)


def errors(context: Context) -> Iterator[Problem]:
    """Everything that would end an `up` half-way."""
    return found(_RULES, "error", context)


def warnings(context: Context) -> Iterator[Problem]:
    """What would go through and is unwise, and what could not be asked."""
    return found(_RULES, "warning", context)
