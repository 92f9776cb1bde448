"""The gate: what may be replaced or removed only when the change carries an approval by name.

An approval is a line `Approve-Replace: NAME` in a commit's message or in the description of the pull request, or
`--approve NAME`. It names one thing and is therefore good for that one thing only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ops.preview_comment.changes import Change, StackPreview, Verb

#: Types whose loss is a lost machine, lost data or a lost address, and what each is called.
GUARDED = {
    "openstack:compute/instance:Instance": "machine",
    "openstack:blockstorage/volume:Volume": "volume",
    "openstack:networking/floatingIp:FloatingIp": "floating IP",
    "openstack:loadbalancer/loadBalancer:LoadBalancer": "VIP (load balancer)",
}
PORT = "openstack:networking/port:Port"
TRAILER = "Approve-Replace"
_LINE = re.compile(rf"^[ \t>*`-]*{TRAILER}:[ \t]*(.+?)[ \t\r`]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Guarded:
    """One guarded thing that would be lost, under the name by which it is approved."""

    stack: str
    kind: str
    name: str
    verb: Verb
    approved: bool

    @property
    def line(self) -> str:
        """What to write to approve it."""
        return f"{TRAILER}: {self.name}"


def _kind(change: Change) -> str:
    """What a guarded change is called; empty for one that nobody has to approve."""
    if change.type == PORT:
        return "VIP" if change.name.endswith("vip") else ""
    return GUARDED.get(change.type, "")


def _name(change: Change, preview: StackPreview) -> str:
    """The thing's own name in the cloud; a floating IP has none but its address."""
    for properties, key in ((change.old_outputs, "address"), (change.old, "name")):
        value = properties.get(key)
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]*", value):
            return value
    return f"{preview.cluster}-{change.name}"


def approvals(texts: Iterable[str]) -> frozenset[str]:
    """Names approved in commit messages and descriptions; several on a line stand between commas or spaces."""
    return frozenset(
        name for text in texts for names in _LINE.findall(text) for name in re.split(r"[,\s]+", names) if name
    )


def guarded(previews: Iterable[StackPreview], approved: frozenset[str]) -> list[Guarded]:
    """Everything guarded that would be replaced or removed, approved or not."""
    found = []
    for preview in previews:
        for change in preview.changes:
            kind = _kind(change)
            if kind and change.verb in ("replaced", "removed"):
                name = _name(change, preview)
                found.append(Guarded(preview.stack, kind, name, change.verb, name in approved))
    return sorted(found, key=lambda item: (item.stack, item.kind, item.name))
