"""Names: nothing in the project has a name of this platform without belonging to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from preflight.context import UNTAGGED, Context
from settings.problem import Problem

#: The command of OpenStack's client for each kind, where it is not the kind's own name.
_COMMANDS = {"key pair": "keypair", "load balancer": "loadbalancer", "floating ip": "floating ip"}


def summary(context: Context) -> str:
    """How much of ours there is."""
    count = sum(1 for existing in context.cloud.existing if context.tag in existing.tags)
    return f"{count} resources of {context.cluster} stand" if count else "none of them is in use"


def errors(context: Context) -> Iterator[Problem]:
    """What has one of our names without being ours: `pulumi up` would collide with it, or people would confuse them."""
    for existing in context.named:
        if context.is_ours(existing):
            continue
        command = _COMMANDS.get(existing.kind, existing.kind)
        # Without a tag it may be what an interrupted `up` began with: the engine must then notice that it is gone.
        again = " and `pulumi up --refresh`" if existing.kind in UNTAGGED else ""
        yield Problem(
            "clusterName",
            context.cluster,
            f"there is a {existing.kind} {existing.name} already, and it does not belong to this platform",
            f"set clusterName to another name, or remove it (`openstack {command} delete {existing.id}`){again}",
        )


def warnings(context: Context) -> Iterator[Problem]:
    """Our tag on resources, although no `up` of this stack has ever finished."""
    if context.running is not None and context.running.finished:
        return
    kinds = Counter(existing.kind for existing in context.cloud.existing if context.tag in existing.tags)
    if kinds:
        listed = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items())
        yield Problem(
            "clusterName",
            context.cluster,
            f"its tag is on {listed} although no `pulumi up` of this stack has ever finished",
            "run the interrupted `pulumi up` again, or choose another clusterName if another stack uses this one",
        )
