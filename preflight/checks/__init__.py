"""The checks against the cloud, and the table of their rules, all of which run every time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from preflight.checks import addresses, flavors, images, networks, project, services
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


#: Every rule with the check that it belongs to, in the order of the report.
RULES: Final[tuple[tuple[str, Rule[Context]], ...]] = (
    ("services", Rule("error", services.missing)),
    ("services", Rule("error", services.unlisted)),
    ("services", Rule("warning", services.unanswered)),
    ("quotas", Rule("error", project.small_quotas)),
    ("quotas", Rule("error", project.large_server_groups)),
    ("quotas", Rule("warning", project.unknown_usage)),
    ("flavors", Rule("error", flavors.unusable)),
    ("flavors", Rule("warning", flavors.unwise)),
    ("images", Rule("error", images.unusable)),
    ("images", Rule("warning", images.unwise)),
    ("external network", Rule("error", networks.external)),
    ("floating IPs", Rule("error", addresses.pool)),
    ("floating IPs", Rule("error", addresses.brought)),
    ("provider network", Rule("error", networks.no_provider_subnet)),
    ("provider network", Rule("error", networks.provider_gateway)),
    ("provider network", Rule("error", networks.taken_on_provider_network)),
    ("provider network", Rule("warning", networks.foreign_provider_network)),
    ("provider network", Rule("warning", networks.unshared_provider_network)),
    ("network extensions", Rule("error", services.missing_extensions)),
    ("network extensions", Rule("warning", services.useful_extensions)),
    ("MTU", Rule("error", networks.large_mtu)),
    ("MTU", Rule("warning", networks.small_mtu)),
    ("availability zones", Rule("error", services.unknown_zones)),
    ("block storage", Rule("error", services.block_storage)),
    ("load balancer", Rule("error", services.load_balancer)),
    ("VIP ports", Rule("error", addresses.taken_vips)),
    ("VIP ports", Rule("warning", addresses.wide_pairs)),
    ("names", Rule("error", project.taken_names)),
    ("names", Rule("warning", project.unfinished)),
)
_SUMMARIES: Final[dict[str, Callable[[Context], str]]] = {
    "services": services.summary,
    "quotas": project.quotas_summary,
    "flavors": flavors.summary,
    "images": images.summary,
    "external network": networks.external_summary,
    "floating IPs": addresses.floating_ips_summary,
    "provider network": networks.provider_summary,
    "network extensions": services.extensions_summary,
    "MTU": networks.mtu_summary,
    "availability zones": services.zones_summary,
    "block storage": services.volumes_summary,
    "load balancer": services.load_balancer_summary,
    "VIP ports": addresses.vips_summary,
    "names": project.names_summary,
}
ALL: Final = tuple(
    Check(name, summary, tuple(rule for check, rule in RULES if check == name)) for name, summary in _SUMMARIES.items()
)


def errors(context: Context) -> Iterator[Problem]:
    """Everything that would end an `up` half-way."""
    return found((rule for _, rule in RULES), "error", context)


def warnings(context: Context) -> Iterator[Problem]:
    """What would go through and is unwise, and what could not be asked."""
    return found((rule for _, rule in RULES), "warning", context)
