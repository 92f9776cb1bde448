"""The checks against the cloud, and the table of their rules, all of which run every time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from preflight.checks import addresses, flavors, images, networks, project, services
from preflight.context import Context
from settings.problem import Problem

Rule = Callable[[Context], Iterator[Problem]]


@dataclass(frozen=True)
class Check:
    """One line of the report; `summary` says in a few words what was found."""

    name: str
    summary: Callable[[Context], str]
    errors: tuple[Rule, ...] = ()
    """They find what would end an `up` half-way."""
    warnings: tuple[Rule, ...] = ()
    """They find what would go through and is unwise, and what could not be asked."""


#: In the order of the report.
ALL: Final = (
    Check("services", services.summary, (services.missing, services.unlisted), (services.unanswered,)),
    Check(
        "quotas",
        project.quotas_summary,
        (project.small_quotas, project.large_server_groups),
        (project.unknown_usage,),
    ),
    Check("flavors", flavors.summary, (flavors.unusable,), (flavors.unwise,)),
    Check("images", images.summary, (images.unusable,), (images.unwise,)),
    Check("external network", networks.external_summary, (networks.external,)),
    Check("floating IPs", addresses.floating_ips_summary, (addresses.pool, addresses.brought)),
    Check(
        "provider network",
        networks.provider_summary,
        (networks.no_provider_subnet, networks.provider_gateway, networks.taken_on_provider_network),
        (networks.foreign_provider_network, networks.unshared_provider_network),
    ),
    Check(
        "network extensions",
        services.extensions_summary,
        (services.missing_extensions,),
        (services.useful_extensions,),
    ),
    Check("MTU", networks.mtu_summary, (networks.large_mtu,), (networks.small_mtu,)),
    Check("availability zones", services.zones_summary, (services.unknown_zones,)),
    Check("block storage", services.volumes_summary, (services.block_storage,)),
    Check("load balancer", services.load_balancer_summary, (services.load_balancer,)),
    Check("VIP ports", addresses.vips_summary, (addresses.taken_vips,), (addresses.wide_pairs,)),
    Check("names", project.names_summary, (project.taken_names,), (project.unfinished,)),
)


def found(rules: Iterable[Rule], context: Context) -> Iterator[Problem]:
    """What the rules find, in their order."""
    for rule in rules:
        yield from rule(context)


def errors(context: Context) -> Iterator[Problem]:
    """Everything that would end an `up` half-way."""
    return found((rule for check in ALL for rule in check.errors), context)


def warnings(context: Context) -> Iterator[Problem]:
    """What would go through and is unwise, and what could not be asked."""
    return found((rule for check in ALL for rule in check.warnings), context)
