"""What a plan takes of each quota, beyond what the stack has already."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from preflight import planned
from preflight.cloud import Flavor
from preflight.context import Context
from settings import names, security
from settings.replacement import role_key

#: Rules that neutron puts into every new security group: egress, IPv4 and IPv6.
DEFAULT_RULES: Final = 2
NO_FLAVOR: Final = Flavor("", "", 0, 0, 0)


@dataclass(frozen=True)
class Need:
    """How much more of `quota` (a name of Cloud.quotas) the plan needs, and by which keys of the stack file."""

    quota: str
    more: int
    by: Mapping[str, int] = field(default_factory=dict)


def needs(context: Context) -> Iterator[Need]:
    """Every need. A machine that exists counts as nothing, whatever its flavor: resizes are not counted."""
    yield from _machines(context)
    yield from _networks(context)
    yield from _volumes(context)
    wanted = planned.names_by_kind(context.platform)
    yield Need("key_pairs", len(wanted["key pair"] - context.ours("key pair")))
    yield Need("server_groups", len(wanted["server group"] - _server_groups(context)))
    if context.settings.api.load_balancer == "octavia":
        yield Need("load_balancer", 1 - len(context.ours("load balancer")), {"api.loadBalancer": 1})


def _server_groups(context: Context) -> frozenset[str]:
    """Server groups of ours: those that were listed, those that the stack has, and those of machines of ours."""
    known = {names.server_group(context.cluster, name) for name in context.platform.running.spreads}
    if not known:
        groups, machines = planned.groups_by_name(context.platform), context.ours("server")
        known = {name for name, group in groups.items() if machines & {one.hostname for one in group.machines}}
    return context.ours("server group") | known


def _machines(context: Context) -> Iterator[Need]:
    """Instances, cores and RAM; flavors that the cloud does not have count as nothing, another check names them."""
    flavors = {flavor.name: flavor for flavor in context.cloud.flavors or ()}
    existing, roles = context.ours("server"), context.settings.roles
    by: dict[str, Counter[str]] = {quota: Counter() for quota in ("instances", "cores", "ram")}
    for machine in context.plan.machines:
        if machine.hostname not in existing:
            key = role_key(machine)
            flavor = flavors.get(roles[key].flavor, NO_FLAVOR)
            for quota, count in (("instances", 1), ("cores", flavor.vcpus), ("ram", flavor.ram_mib)):
                by[quota][key] += count
    yield from _needs(by)


def _needs(by: Mapping[str, Counter[str]]) -> Iterator[Need]:
    for quota, counts in by.items():
        yield Need(quota, counts.total(), counts)


def _networks(context: Context) -> Iterator[Need]:
    """What neutron counts. Of ports also one DHCP port a network and the router's interface; more agents take more."""
    platform = context.platform
    more = {kind: wanted - context.ours(kind) for kind, wanted in planned.names_by_kind(platform).items()}
    ports = Counter(
        role_key(machine)
        for machine in platform.plan.machines
        for name in {machine.hostname, names.edge_port(machine.hostname)} & more["port"]
    )
    others = len(more["port"]) - ports.total()
    others += len(more["network"]) + len(more["router"]) + len(more["load balancer"])
    yield Need("port", ports.total() + others, {**ports, "network": others})
    yield Need("network", len(more["network"]))
    yield Need("subnet", len(more["subnet"]))
    yield Need("router", len(more["router"]))
    groups = more["security group"]
    yield Need("security_group", len(groups))
    table = security.table(platform.settings, platform.plan)
    new = [rule for rule in table if names.security_group(platform.cluster, rule.group) in groups]
    rules = len(new) + DEFAULT_RULES * len(groups)
    yield Need("security_group_rule", rules, {"access": rules})
    by = floating_ips(context)
    ours = sum(1 for existing in context.cloud.existing if existing.kind == "floating ip" and context.is_ours(existing))
    yield Need("floatingip", max(0, sum(by.values()) - ours), by)


def floating_ips(context: Context) -> Mapping[str, int]:
    """Floating IPs that the plan makes, by key; on the provider's own network there are none."""
    settings = context.settings
    if settings.network.public_vip == "provider-network":
        return {}
    by = {"gateways": len(context.plan.gateways)}
    if settings.network.public_vip == "floating-ip" and settings.network.api_floating_ip is None:
        by["network.publicVip"] = 1
    if settings.api.load_balancer == "octavia":
        by["api.loadBalancer"] = 1
    return by


def _volumes(context: Context) -> Iterator[Need]:
    """Volumes and GiB, in all and by type. A volume that exists counts as nothing, even when it is to grow."""
    by: defaultdict[str, Counter[str]] = defaultdict(Counter, volumes=Counter(), gigabytes=Counter())
    existing = context.ours("volume")
    for name, volume in planned.volumes(context.platform).items():
        if name not in existing:
            for kind in ("", f"_{volume.type}") if volume.type else ("",):
                by[f"gigabytes{kind}"][volume.key] += volume.size_gib
                by[f"volumes{kind}"][volume.key] += 1
    yield from _needs(by)
