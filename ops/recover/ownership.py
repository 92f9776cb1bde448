"""Whether something in OpenStack with a name of ours was made by a creation that was begun.

OpenStack's listings show more than ours: an administrator's show every project, and a project may hold several
platforms and what people have made by hand.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Kind:
    """A kind of thing that has a name: OpenStack's service and word for it, and when it gets its tags."""

    service: str
    word: str
    tagging: Tagging


#: By Pulumi's type.
KINDS: Final = {
    "openstack:networking/network:Network": Kind("network", "network", Tagging.AFTERWARDS),
    "openstack:networking/subnet:Subnet": Kind("network", "subnet", Tagging.AFTERWARDS),
    "openstack:networking/router:Router": Kind("network", "router", Tagging.AFTERWARDS),
    "openstack:networking/port:Port": Kind("network", "port", Tagging.AFTERWARDS),
    "openstack:networking/secGroup:SecGroup": Kind("network", "security_group", Tagging.AFTERWARDS),
    "openstack:compute/instance:Instance": Kind("compute", "server", Tagging.AT_ONCE),
    "openstack:compute/serverGroup:ServerGroup": Kind("compute", "server_group", Tagging.NEVER),
    "openstack:compute/keypair:Keypair": Kind("compute", "keypair", Tagging.NEVER),
    "openstack:loadbalancer/loadBalancer:LoadBalancer": Kind("load_balancer", "load_balancer", Tagging.AT_ONCE),
}


def in_project(item: Any, project: str, tagging: Tagging) -> bool:
    """Whether it is in our project. Kinds without tags are only ever listed for one's own project or user."""
    owner = getattr(item, "project_id", None)
    return owner == project or (owner is None and tagging is Tagging.NEVER)


def doubt(item: Any, begun: Begun) -> str:
    """Why it may be somebody else's, by its tags, its age and its use; empty when it is what `begun` has made."""
    kind = KINDS[begun.type]
    return _foreign(item, begun, kind.tagging) or _in_use(item, begun, kind.word)


def _foreign(item: Any, begun: Begun, tagging: Tagging) -> str:
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
    created = _created(item)
    if created is None or begun.after is None:
        return "it has no tag, and nobody knows whether it is older than this platform"
    if created < begun.after - SKEW:
        return "it has no tag, and it is older than what ours is made from"
    return ""


def _created(item: Any) -> datetime | None:
    """When it was made; OpenStack writes UTC, with or without saying so."""
    text = getattr(item, "created_at", None)
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _in_use(item: Any, begun: Begun, word: str) -> str:
    """What shows that somebody uses it; a thing that no state knows has never had a part of ours.

    OpenStack itself refuses to delete things of other kinds while something uses them, or they are of no use without
    their creation.
    """
    if word == "port" and item.device_id:
        return f"{item.device_owner or 'a device'} uses it"
    if word == "network" and item.subnet_ids:
        return "it has subnets"
    if word == "server_group" and item.member_ids:
        return "machines are in it"
    if word == "keypair":
        # Key pairs have neither project nor tag: only the key itself shows the owner.
        wanted = begun.inputs.get("publicKey")
        if not isinstance(wanted, str) or (item.public_key or "").split()[:2] != wanted.split()[:2]:
            return "its key is not the one that was to be in it"
    return ""
