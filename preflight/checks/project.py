"""The project: what the plan needs of each quota against what is left, and names that others have taken."""

from collections import Counter
from collections.abc import Iterator

from preflight import planned
from preflight.cloud import Quota
from preflight.context import UNTAGGED, Context
from preflight.quota_usage import Need, needs
from settings.problem import Problem

#: The command of OpenStack's client for each kind, where it is not the kind's own name.
_COMMANDS = {"key pair": "keypair", "load balancer": "loadbalancer"}


def _needed(context: Context) -> Iterator[tuple[Need, Quota]]:
    """What more is needed of a quota, with the quota."""
    for need in needs(context):
        quota = context.cloud.quotas.get(need.quota)
        if quota and need.more:
            yield need, quota


def quotas_summary(context: Context) -> str:
    """How much of the limited quotas the plan needs."""
    limited = [(need, quota) for need, quota in _needed(context) if quota.free is not None]
    return ", ".join(f"{n.quota} {n.more} of {q.free} left" for n, q in limited) or "nothing more is needed"


def small_quotas(context: Context) -> Iterator[Problem]:
    """A quota that the plan does not fit into."""
    for need, quota in _needed(context):
        if quota.free is None or not quota.free < need.more > 0:
            continue
        unit = {"ram": " MiB", "gigabytes": " GiB"}.get(need.quota.partition("_")[0], "")
        by = ", ".join(f"{key} {count}" for key, count in need.by.items() if count)
        used = quota.used or 0
        smaller = f", or make {max(need.by, key=lambda key: need.by[key])} smaller" if need.by else ""
        rule = (
            f"is too small: the plan needs {need.more}{unit} more{f' ({by})' if by else ''}, {used} are in use and "
            f"{quota.free} are left"
        )
        fix = f"ask the cloud's operators for {used + need.more}{unit}{smaller}"
        yield Problem(f"quota {need.quota}", f"{quota.limit}{unit}", rule, fix)


def large_server_groups(context: Context) -> Iterator[Problem]:
    """More machines in a server group than the quota allows."""
    quota = context.cloud.quotas.get("server_group_members")
    for key, machines in planned.groups_by_name(context.platform).values():
        count = len(machines)
        if quota and 0 <= quota.limit < count:
            group = f"the {count} machines of {key} are one server group, so that they are spread over hosts"
            fix = f"ask the cloud's operators for {count}, or split {key} into several pools"
            yield Problem("quota server_group_members", str(quota.limit), f"is too small: {group}", fix)


def unknown_usage(context: Context) -> Iterator[Problem]:
    """A limit of which the cloud does not show the usage."""
    for need, quota in _needed(context):
        if quota.limit >= 0 and quota.used is None:
            rule, fix = "the cloud does not say how much of it is in use", f"see that {need.more} are left"
            yield Problem(f"quota {need.quota}", str(quota.limit), rule, fix)


def names_summary(context: Context) -> str:
    """How much of ours there is."""
    count = sum(1 for existing in context.cloud.existing if context.tag in existing.tags)
    return f"{count} resources of {context.cluster} exist" if count else "none of them is in use"


def taken_names(context: Context) -> Iterator[Problem]:
    """What has one of our names without being ours: `pulumi up` would collide with it, or people would confuse them."""
    for existing in context.named:
        if context.is_ours(existing):
            continue
        command = _COMMANDS.get(existing.kind, existing.kind)
        # Without a tag it may be what an interrupted `up` began with: the engine must then notice that it is gone.
        again = " and `pulumi up --refresh`" if existing.kind in UNTAGGED else ""
        rule = f"there is a {existing.kind} {existing.name} already, and it does not belong to this platform"
        fix = f"set clusterName to another name, or remove it (`openstack {command} delete {existing.id}`){again}"
        yield Problem("clusterName", context.cluster, rule, fix)


def unfinished(context: Context) -> Iterator[Problem]:
    """Our tag on resources, although no `up` of this stack has ever finished."""
    kinds = Counter(existing.kind for existing in context.cloud.existing if context.tag in existing.tags)
    if kinds and not (context.running and context.running.finished):
        listed = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items())
        rule = f"its tag is on {listed} although no `pulumi up` of this stack has ever finished"
        fix = "run the interrupted `pulumi up` again, or choose another clusterName if another stack uses this one"
        yield Problem("clusterName", context.cluster, rule, fix)
