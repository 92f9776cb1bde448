"""What a plan takes of each quota, over and above what the stack has made already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from preflight import planned
from preflight.cloud import Flavor
from preflight.context import Context
from settings import names, security
from settings.replacement import role_key

#: Rules that neutron puts into every new security group: egress, IPv4 and IPv6.
DEFAULT_RULES = 2


@dataclass(frozen=True)
class Need:
    """How much more of `quota` (a name of Cloud.quotas) the plan needs, and by which keys of the stack file."""

    quota: str
    more: int
    by: Mapping[str, int] = field(default_factory=dict)

    @property
    def largest(self) -> str:
        """The key that takes most."""
        return max(self.by, key=lambda key: self.by[key], default="")


def needs(context: Context) -> Iterator[Need]:
    """Every need. A machine that exists counts as nothing, whatever its flavor: resizes are not counted."""
    yield from _machines(context)
    yield from _networks(context)
    yield from _volumes(context)
    platform = context.platform
    wanted = planned.names_by_kind(platform)
    yield Need("key_pairs", len(wanted["key pair"] - context.ours("key pair")))
    yield Need("server_groups", len(wanted["server group"] - _server_groups(context)))
    if platform.settings.api.load_balancer == "octavia":
        yield Need("load_balancer", 1 - len(context.ours("load balancer")), {"api.loadBalancer": 1})


def _server_groups(context: Context) -> frozenset[str]:
    """Server groups of ours: those that were listed, those that the stack has, and those of machines of ours."""
    cluster, standing = context.cluster, context.ours("server")
    known = {names.server_group(cluster, name) for name in context.platform.running.spreads}
    if known:
        return context.ours("server group") | known
    return context.ours("server group") | {
        name
        for name, group in planned.groups_by_name(context.platform).items()
        if any(machine.hostname in standing for machine in group.machines)
    }


def _machines(context: Context) -> Iterator[Need]:
    """Instances, cores and RAM; flavors that the cloud does not have count as nothing, another check names them."""
    flavors = {flavor.name: flavor for flavor in context.cloud.flavors or ()}
    standing = context.ours("server")
    instances: Counter[str] = Counter()
    cores: Counter[str] = Counter()
    ram: Counter[str] = Counter()
    nothing = Flavor("", "", 0, 0, 0)
    for machine in context.plan.machines:
        if machine.hostname in standing:
            continue
        key = role_key(machine)
        flavor = flavors.get(context.machine_settings[key].flavor, nothing)
        instances[key] += 1
        cores[key] += flavor.vcpus
        ram[key] += flavor.ram_mib
    for quota, by in (("instances", instances), ("cores", cores), ("ram", ram)):
        yield Need(quota, by.total(), by)


def _networks(context: Context) -> Iterator[Need]:
    """What neutron counts. Of ports also one DHCP port a network and the router's interface; more agents take more."""
    platform = context.platform
    settings, wanted = platform.settings, planned.names_by_kind(platform)
    more = {kind: wanted[kind] - context.ours(kind) for kind in wanted}
    ports = Counter(
        role_key(machine)
        for machine in platform.addresses.machines
        for name in {machine.hostname, names.edge_port(machine.hostname)} & more["port"]
    )
    others = len(more["port"]) - ports.total() + len(more["network"]) + len(more["router"])
    if settings.api.load_balancer == "octavia":
        others += len(more["load balancer"])
    yield Need("port", ports.total() + others, {**ports, "network": others})
    yield Need("network", len(more["network"]))
    yield Need("subnet", len(more["subnet"]))
    yield Need("router", len(more["router"]))
    yield Need("security_group", len(more["security group"]))
    table = security.table(settings, platform.addresses)
    new = [rule for rule in table if names.security_group(platform.cluster, rule.group) in more["security group"]]
    rules = len(new) + DEFAULT_RULES * len(more["security group"])
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
    count: Counter[str] = Counter()
    size: Counter[str] = Counter()
    by_type: dict[str, Counter[str]] = {}
    standing = context.ours("volume")
    for name, (key, kind, gib) in planned.volumes(context.platform).items():
        if name in standing:
            continue
        count[key] += 1
        size[key] += gib
        if kind:
            by_type.setdefault(f"gigabytes_{kind}", Counter())[key] += gib
            by_type.setdefault(f"volumes_{kind}", Counter())[key] += 1
    for quota, by in {"volumes": count, "gigabytes": size, **by_type}.items():
        yield Need(quota, by.total(), by)
