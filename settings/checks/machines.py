"""Machines of every role: how many there are, their zones and their host names."""

from collections.abc import Iterator, Mapping
from typing import Final

from settings.error_messages import TOLERATED_LOSSES
from settings.plan import PlannedMachine
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

#: Least number of nodes (control planes and workers) by preset, and the fix.
LEAST_NODES: Final[Mapping[str, tuple[int, str]]] = {
    "dev": (3, "use 3 or 4"),
    "production": (5, "use 5 or more, 8 are recommended"),
}
#: Kubernetes' limits.
MOST_MACHINES, MOST_PODS, MOST_CONTAINERS = 5_000, 150_000, 300_000
LIMITS: Final = "https://kubernetes.io/docs/setup/best-practices/cluster-large/"
#: Least kubernetes.podsPerNode: a fix below it would be no fix.
LEAST_PODS: Final = 10
#: Number of zones with which no single loss takes the quorum.
ZONES_FOR_QUORUM: Final = 3
#: Longest label of a DNS name (RFC 1035, section 2.3.4), and of a node's label kubernetes.io/hostname.
LONGEST_HOST_NAME: Final = 63


def _even(key: str, count: int, what: str, *others: str) -> Iterator[Problem]:
    """An even number tolerates no more losses than one fewer, and one more machine can fail."""
    if count % 2 == 0:
        do = "do" if count > 2 else "does"
        rule = f"{count} {what} tolerate {(count - 1) // 2} lost, no more than {count - 1} {do} ({TOLERATED_LOSSES})"
        yield Problem(key, str(count), rule, f"use {count - 1} or {count + 1}", others)


def etcd_has_an_odd_number_of_members(context: Context) -> Iterator[Problem]:
    return _even("etcd.count", context.settings.etcd.count, "members")


def production_has_an_odd_number_of_control_planes(context: Context) -> Iterator[Problem]:
    if context.settings.preset == "production":
        yield from _even("controlPlanes.count", context.settings.control_planes.count, "control planes", "preset")


def other_presets_have_an_odd_number_of_control_planes(context: Context) -> Iterator[Problem]:
    if context.settings.preset != "production":
        yield from _even("controlPlanes.count", context.settings.control_planes.count, "control planes")


def production_has_no_single_machine(context: Context) -> Iterator[Problem]:
    settings = context.settings
    if settings.preset != "production":
        return
    for key, count, lost, fix in (
        ("etcd", settings.etcd.count, f"member is lost, so is the cluster's state ({TOLERATED_LOSSES})", "use 3"),
        ("controlPlanes", settings.control_planes.count, "control plane is lost, so is the API", "use 3"),
        ("gateways", settings.gateways.count, "gateway is lost, so is the way in and out", "use 2"),
    ):
        if count == 1:
            yield Problem(f"{key}.count", "1", f"if the only {lost}", fix)


def preset_has_enough_nodes(context: Context) -> Iterator[Problem]:
    settings = context.settings
    least, fix = LEAST_NODES.get(settings.preset, (0, ""))
    nodes = settings.control_planes.count + _workers(settings)
    if nodes < least:
        counted = f"{nodes} node{'s' if nodes > 1 else ''} with the control planes"
        yield Problem("workers", "", f"{counted}, and the preset {settings.preset} expects {least}", fix)


def _workers(settings: PlatformSettings) -> int:
    return sum(len(pool.places) for pool in settings.workers.values())


def machines_are_within_limits(context: Context) -> Iterator[Problem]:
    settings = context.settings
    fixed = settings.gateways.count + settings.etcd.count + settings.control_planes.count
    machines = fixed + _workers(settings)
    if machines > MOST_MACHINES:
        rule = f"{machines:,} machines in all are over Kubernetes' limit of {MOST_MACHINES:,} ({LIMITS})"
        yield Problem("workers", "", rule, f"use {machines - MOST_MACHINES:,} fewer", others=("workers.*",))


def pods_and_containers_are_within_limits(context: Context) -> Iterator[Problem]:
    """With every node full. One message: the pods that fit must fit both limits."""
    settings = context.settings
    nodes = _workers(settings) + (settings.control_planes.count if settings.control_planes.schedulable else 0)
    pods_per_node, per_pod = settings.kubernetes.pods_per_node, settings.kubernetes.containers_per_pod
    pods = nodes * pods_per_node
    over = [
        f"{amount:,} {what}, over Kubernetes' limit of {limit:,}"
        for amount, limit, what in (
            (pods, MOST_PODS, "pods"),
            (int(pods * per_pod), MOST_CONTAINERS, f"containers ({per_pod:g} a pod)"),
        )
        if amount > limit
    ]
    if over:
        fitting = min(MOST_PODS // nodes, int(MOST_CONTAINERS / (nodes * per_pod)))
        rule = f"{nodes:,} nodes make {' and '.join(over)} ({LIMITS})"
        fix = f"use {fitting} or less" if fitting >= LEAST_PODS else "use fewer nodes"
        others = ("workers.*", "kubernetes.containersPerPod", "controlPlanes")
        yield Problem("kubernetes.podsPerNode", str(pods_per_node), rule, fix, others)


def zones_are_names_listed_once(context: Context) -> Iterator[Problem]:
    # The roles as they are, then the pools by name.
    for role, machines in sorted(context.settings.roles.items(), key=lambda row: row[0] if "." in row[0] else ""):
        zones = machines.availability_zones
        for index, zone in enumerate(zones):
            key = f"{role}.availabilityZones.{index}"
            if not zone.strip() or ":" in zone:
                rule = "is not a zone's name (nova reads ZONE:HOST for administrators)"
                yield Problem(key, zone or '""', rule, "write the zone alone")
            elif zone in zones[:index]:
                yield Problem(key, zone, "is listed twice", "remove it")


def one_zone_does_not_hold_the_quorum(context: Context) -> Iterator[Problem]:
    for key, role in (("etcd", context.settings.etcd), ("controlPlanes", context.settings.control_planes)):
        count, zones = role.count, role.availability_zones
        if count >= ZONES_FOR_QUORUM and len(zones) == ZONES_FOR_QUORUM - 1:
            rule = f"one of two zones has {-(-count // 2)} of {count}: if it is lost, so is the quorum"
            yield Problem(f"{key}.availabilityZones", f"[{', '.join(zones)}]", rule, "use three zones, or one")


def host_names_are_unique(context: Context) -> Iterator[Problem]:
    seen: dict[str, PlannedMachine] = {}
    for machine in context.plan.workers:
        other = seen.setdefault(machine.name, machine)
        if other is not machine:
            rule = f"has a machine called {machine.name}, and so has workers.{other.pool}"
            yield Problem(f"workers.{machine.pool}", "", rule, "rename one of the pools or machines")


def host_names_fit_dns(context: Context) -> Iterator[Problem]:
    """One problem for each pool, with its longest host name."""
    longest: dict[str, str] = {}
    for machine in context.plan.workers:
        longest[machine.pool] = max(longest.get(machine.pool, ""), machine.hostname, key=len)
    for pool, name in longest.items():
        if (excess := len(name) - LONGEST_HOST_NAME) > 0:
            rule = f"makes the host name {name}, {len(name)} characters, and DNS takes {LONGEST_HOST_NAME}"
            fix = f"shorten clusterName, the pool's name or the machine's key by {excess}"
            yield Problem(f"workers.{pool}", "", rule, fix, others=("clusterName",))
