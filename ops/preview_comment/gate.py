"""The gate: what may be replaced or removed only when the change carries an approval by name.

An approval is a line `Approve-Replace: NAME` in a commit's message or in the description of the pull request, or
`--approve NAME`. It names one thing and is therefore good for that one thing only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ops.preview_comment.changes import LOSSES, Change, StackPreview, Verb
from policy.record import FLOATING_IP, INSTANCE, PORT, VOLUME

#: Types that lose a machine, data or an address with the resource, and what each is called. Of ports only VIPs count.
GUARDED: Final = {
    INSTANCE: "machine",
    VOLUME: "volume",
    FLOATING_IP: "floating IP",
    "openstack:loadbalancer/loadBalancer:LoadBalancer": "VIP (load balancer)",
    PORT: "VIP",
}
TRAILER: Final = "Approve-Replace"
_LINE: Final = re.compile(rf"^[ \t>*`-]*{TRAILER}:[ \t]*(.+?)[ \t\r`]*$", re.MULTILINE | re.IGNORECASE)


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


def _name(change: Change, preview: StackPreview) -> str:
    """The thing's own name in the cloud; a floating IP has only its address."""
    for value in (change.old_outputs.get("address"), change.old.get("name")):
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]*", value):
            return value
    return f"{preview.cluster}-{change.name}"


def find_approvals(texts: Iterable[str]) -> frozenset[str]:
    """Names approved in commit messages and descriptions; commas or spaces separate several on a line."""
    return frozenset(re.findall(r"[^,\s]+", " ".join(names for text in texts for names in _LINE.findall(text))))


def find_guarded(previews: Iterable[StackPreview], approved: frozenset[str]) -> list[Guarded]:
    """Everything guarded that would be replaced or removed, approved or not."""
    found = []
    for preview in previews:
        for change in preview.changes:
            is_guarded = change.type in GUARDED and (change.type != PORT or change.name.endswith("vip"))
            if is_guarded and change.verb in LOSSES:
                name = _name(change, preview)
                found.append(Guarded(preview.stack, GUARDED[change.type], name, change.verb, name in approved))
    return sorted(found, key=lambda item: (item.stack, item.kind, item.name))
