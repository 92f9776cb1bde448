"""Whether something in OpenStack that bears a name of ours is what a begun creation made.

OpenStack's listings show more than ours: an administrator's show every project, and a project may hold several
platforms and what people have made by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

from ops.recover.notes import Begun

TAG: Final = "openstack-paas:"
#: How far the cloud's clock and the one that wrote the state may be apart.
SKEW: Final = timedelta(minutes=5)


class Tagging(Enum):
    """When a kind of thing gets its tags."""

    AT_ONCE = "in its creation"
    """Without our tag it is not ours."""
    AFTERWARDS = "by a request of its own, before which an `up` may be killed"
    NEVER = "the kind has none"


def in_project(item: Any, project: str, tagging: Tagging) -> bool:
    """Whether it is in our project. Kinds without tags are only ever listed for one's own project or user."""
    owner = getattr(item, "project_id", None)
    return owner == project or (owner is None and tagging is Tagging.NEVER)


def doubt(item: Any, begun: Begun, tagging: Tagging) -> str:
    """Why it may be somebody else's, by its tags and its age; empty when it is what `begun` has made."""
    if tagging is Tagging.NEVER:
        return ""
    ours = {tag for tag in begun.inputs.get("tags") or [] if str(tag).startswith(TAG)}
    tags = set(item.tags or [])
    if not ours:
        return "its note does not say which tag it was to have"
    if tags & ours:
        return ""
    if tags:
        return f"it has other tags than ours ({', '.join(sorted(tags))})"
    if tagging is Tagging.AT_ONCE:
        return "it has no tag, and ours have one from their creation on"
    created = _moment(item)
    if created is None or begun.after is None:
        return "it has no tag, and nobody knows whether it is older than this platform"
    if created < begun.after - SKEW:
        return "it has no tag, and it is older than what ours is made from"
    return ""


def _moment(item: Any) -> datetime | None:
    """When it was made; OpenStack writes UTC, with or without saying so."""
    text = getattr(item, "created_at", None)
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def port_in_use(port: Any, _: Begun) -> str:
    """A port that no state knows has never been given to a machine of ours."""
    return f"{port.device_owner or 'a device'} uses it" if port.device_id else ""


def network_in_use(network: Any, _: Begun) -> str:
    """A network that no state knows has no subnet of ours."""
    return "it has subnets" if network.subnet_ids else ""


def group_in_use(group: Any, _: Begun) -> str:
    """A server group that no state knows has no machine of ours."""
    return "machines are in it" if group.member_ids else ""


def another_key(pair: Any, begun: Begun) -> str:
    """Key pairs have neither project nor tag: the key itself says whose it is."""
    wanted = begun.inputs.get("publicKey")
    same = isinstance(wanted, str) and (pair.public_key or "").split()[:2] == wanted.split()[:2]
    return "" if same else "its key is not the one that was to be in it"


def free(_: Any, __: Begun) -> str:
    """OpenStack itself refuses to delete it while something uses it, or it is of no use without its creation."""
    return ""


#: How each kind gets its tags, and what shows that somebody uses it.
KINDS: Final[Mapping[str, tuple[Tagging, Callable[[Any, Begun], str]]]] = {
    "openstack:networking/network:Network": (Tagging.AFTERWARDS, network_in_use),
    "openstack:networking/subnet:Subnet": (Tagging.AFTERWARDS, free),
    "openstack:networking/router:Router": (Tagging.AFTERWARDS, free),
    "openstack:networking/port:Port": (Tagging.AFTERWARDS, port_in_use),
    "openstack:networking/secGroup:SecGroup": (Tagging.AFTERWARDS, free),
    "openstack:compute/instance:Instance": (Tagging.AT_ONCE, free),
    "openstack:compute/serverGroup:ServerGroup": (Tagging.NEVER, group_in_use),
    "openstack:compute/keypair:Keypair": (Tagging.NEVER, another_key),
    "openstack:loadbalancer/loadBalancer:LoadBalancer": (Tagging.AT_ONCE, free),
}
