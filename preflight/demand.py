"""What a plan takes of each quota, over and above what the stack has made already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from preflight import names
from preflight.cloud import Flavor
from preflight.subject import Subject
from settings import security
from settings.addresses import PlannedMachine

#: Rules that neutron puts into every new security group: egress, IPv4 and IPv6.
DEFAULT_RULES = 2


@dataclass(frozen=True)
class Need:
    """How much more of `quota` (a name of Cloud.quotas) the plan takes, and by which keys of the stack file."""

    quota: str
    more: int
    by: Mapping[str, int] = field(default_factory=dict)

    @property
    def largest(self) -> str:
        """The key that takes most."""
        return max(self.by, key=lambda key: self.by[key], default="")


def key_of(machine: PlannedMachine) -> str:
    """The key in the stack file that asks for a machine."""
    if machine.role == "worker":
        return f"workers.{machine.pool}"
    return {"gateway": "gateways", "etcd": "etcd", "control-plane": "controlPlanes"}[machine.role]


def needs(subject: Subject) -> Iterator[Need]:
    """Every need. A machine that stands counts as nothing, whatever its flavor: a resize is not foreseen here."""
    yield from _machines(subject)
    yield from _networks(subject)
    yield from _volumes(subject)
    platform = subject.platform
    missing_pair = names.planned(platform)["key pair"] - subject.ours("key pair")
    yield Need("key_pairs", len(missing_pair))
    yield Need("server_groups", len(names.planned(platform)["server group"] - _server_groups(subject)))
    if platform.settings.api.load_balancer == "octavia":
        yield Need("load_balancer", 1 - len(subject.ours("load balancer")), {"api.loadBalancer": 1})


def _server_groups(subject: Subject) -> frozenset[str]:
    """Server groups of ours: those that were listed, and those in which a machine of ours stands."""
    keys = {
        key_of(machine) for machine in subject.platform.addresses.machines if machine.hostname in subject.ours("server")
    }
    groups = names.server_groups(subject.platform).items()
    return subject.ours("server group") | {
        f"{subject.platform.cluster}-{group}" for group, (key, _) in groups if key in keys
    }


def _machines(subject: Subject) -> Iterator[Need]:
    """Instances, cores and RAM; flavors that the cloud does not have count as nothing, another check names them."""
    flavors = {flavor.name: flavor for flavor in subject.cloud.flavors or ()}
    standing = subject.ours("server")
    instances: Counter[str] = Counter()
    cores: Counter[str] = Counter()
    ram: Counter[str] = Counter()
    nothing = Flavor("", "", 0, 0, 0)
    for machine in subject.platform.addresses.machines:
        if machine.hostname in standing:
            continue
        key = key_of(machine)
        flavor = flavors.get(subject.machine_settings[key].flavor, nothing)
        instances[key] += 1
        cores[key] += flavor.vcpus
        ram[key] += flavor.ram_mib
    for quota, by in (("instances", instances), ("cores", cores), ("ram", ram)):
        yield Need(quota, by.total(), by)


def _networks(subject: Subject) -> Iterator[Need]:
    """What neutron counts. Of ports also one DHCP port a network and the router's interface; more agents take more."""
    platform = subject.platform
    settings, planned = platform.settings, names.planned(platform)
    more = {kind: planned[kind] - subject.ours(kind) for kind in planned}
    ports = Counter(
        key_of(machine)
        for machine in platform.addresses.machines
        for name in {machine.hostname, f"{machine.hostname}-edge"} & more["port"]
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
    new = [rule for rule in table if f"{platform.cluster}-{rule.group}" in more["security group"]]
    rules = len(new) + DEFAULT_RULES * len(more["security group"])
    yield Need("security_group_rule", rules, {"access": rules})
    by = floating_ips(subject)
    ours = sum(1 for existing in subject.cloud.existing if existing.kind == "floating ip" and subject.is_ours(existing))
    yield Need("floatingip", max(0, sum(by.values()) - ours), by)


def floating_ips(subject: Subject) -> Mapping[str, int]:
    """Floating IPs that the plan makes, by key; on the provider's own network there are none."""
    settings = subject.platform.settings
    if settings.network.public_vip == "provider-network":
        return {}
    by = {"gateways": len(subject.platform.addresses.gateways)}
    if settings.network.public_vip == "floating-ip" and settings.network.api_floating_ip is None:
        by["network.publicVip"] = 1
    if settings.api.load_balancer == "octavia":
        by["api.loadBalancer"] = 1
    return by


def _volumes(subject: Subject) -> Iterator[Need]:
    """Volumes and GiB, in all and by type. A volume that stands counts as nothing, even when it shall grow."""
    count: Counter[str] = Counter()
    size: Counter[str] = Counter()
    by_type: dict[str, Counter[str]] = {}
    standing = subject.ours("volume")
    for name, (key, kind, gib) in names.volumes(subject.platform).items():
        if name in standing:
            continue
        count[key] += 1
        size[key] += gib
        if kind:
            by_type.setdefault(f"gigabytes_{kind}", Counter())[key] += gib
            by_type.setdefault(f"volumes_{kind}", Counter())[key] += 1
    for quota, by in {"volumes": count, "gigabytes": size, **by_type}.items():
        yield Need(quota, by.total(), by)
