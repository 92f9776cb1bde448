"""What to restore, on which member first, and what that loses: decided from what the members say. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.etcd.snapshots import Snapshot, Snapshots, duration


class RestoreError(Exception):
    """There is nothing to restore, or it would be wrong to; the message says why and what to do."""


@dataclass(frozen=True)
class Member:
    """What etcd-restore.sh said of one member; `revision` is None where it is not known."""

    name: str
    active: bool
    healthy: bool
    data: bool
    revision: int | None
    stage: str
    plan: Mapping[str, Any] | None

    @staticmethod
    def parse(look: Mapping[str, Any]) -> Member:
        """From its JSON."""
        return Member(
            look["member"],
            look["etcd"] in ("active", "activating", "reloading"),
            look["healthy"],
            look["data"],
            look["revision"],
            look["stage"],
            look["plan"],
        )


@dataclass(frozen=True)
class Plan:
    """A restore. `document` goes to the members, whose scripts read it; `lost` says in words what it costs."""

    id: str
    first: str
    document: Mapping[str, Any]
    what: str
    lost: str
    resumed: bool = False

    @property
    def encrypted(self) -> bool:
        """Whether an age identity is needed."""
        return bool(self.document["source"].get("encrypted"))


def resumed(members: Collection[Member]) -> Plan | None:
    """The restore that was begun and not ended, if there is one. Raises RestoreError when there are two."""
    plans = {member.plan["id"]: member.plan for member in members if member.plan}
    if len(plans) > 1:
        raise RestoreError(
            f"parts of {len(plans)} restores are on the members ({', '.join(sorted(plans))}): finish the one that "
            "counts by hand (docs/runbooks/etcd-restore.md)"
        )
    for identity, document in plans.items():
        return Plan(identity, document["first"], document, document["what"], document["lost"], resumed=True)
    return None


def decide(
    identity: str,
    members: Sequence[Member],
    away: Collection[str],
    gone: Collection[str],
    snapshots: Snapshots,
    name: str = "",
) -> Plan:
    """A new restore. `away` are members that cannot be reached, `gone` those that the user says will never come back.

    `name` is the snapshot that the user wants; without one the newest data wins. Raises RestoreError.
    """
    total = len(members) + len(away)
    feared = sorted(set(away) - set(gone))
    if not members:
        raise RestoreError("no member can be reached: bring the machines back by `pulumi up --refresh` first")
    if len(feared) > total // 2:
        raise RestoreError(
            f"{', '.join(feared)} cannot be reached, and together they would be a majority of the old cluster: two "
            "clusters could run. Bring them back, or confirm that they are gone for good with --gone NAME"
        )
    healthy = [member.name for member in members if member.healthy]
    if healthy and not name:
        raise RestoreError(
            f"etcd works ({', '.join(healthy)} with a majority): nothing is lost. To throw its data away for that of a "
            "snapshot, name it with --snapshot NAME (`paas etcd backups` lists them)"
        )
    known = max((member.revision for member in members if member.revision is not None), default=None)
    survivor = max(
        (member for member in members if member.data and member.revision is not None),
        key=lambda member: member.revision or 0,
        default=None,
    )
    chosen = snapshots.named(name) if name else snapshots.newest
    if name and chosen is None:
        raise RestoreError(f"there is no snapshot {name}: `paas etcd backups` lists what there is")
    if not name and survivor and (chosen is None or (survivor.revision or 0) >= chosen.revision):
        return _from_survivor(identity, survivor, chosen)
    if chosen is None:
        raise RestoreError("there is no verified snapshot anywhere, and no member has data")
    if not chosen.verified:
        raise RestoreError(f"the snapshot {chosen.name} failed its proof: choose another")
    return _from_snapshot(identity, chosen, members, known, snapshots.now)


def _from_survivor(identity: str, survivor: Member, chosen: Snapshot | None) -> Plan:
    beside = f"; the newest snapshot, {chosen.name}, has revision {chosen.revision}" if chosen else ""
    return _plan(
        identity,
        survivor.name,
        {"kind": "survivor", "name": "", "path": "", "encrypted": False},
        f"the data of {survivor.name}, which has revision {survivor.revision}{beside}",
        "what other members had acknowledged and this one had not received yet: nothing, unless it was behind",
    )


def _from_snapshot(identity: str, chosen: Snapshot, members: Sequence[Member], known: int | None, now: int) -> Plan:
    reachable = sorted(member.name for member in members)
    if not chosen.off_machine and chosen.where not in reachable:
        raise RestoreError(f"{chosen.name} is on {chosen.where}, which cannot be reached")
    age = duration(max(now - chosen.time, 0))
    lost = f"everything written in the {age} since the snapshot"
    if known is not None and known > chosen.revision:
        lost += f": {known - chosen.revision} revisions, up to {known}"
    kind = chosen.where if chosen.off_machine else "here"
    return _plan(
        identity,
        reachable[0] if chosen.off_machine else chosen.where,
        {"kind": kind, "name": chosen.name, "path": chosen.path, "encrypted": chosen.encrypted},
        f"the snapshot {chosen.name} in {chosen.where}, {age} old, revision {chosen.revision}",
        lost,
    )


def _plan(identity: str, first: str, source: Mapping[str, Any], what: str, lost: str) -> Plan:
    document = {"id": identity, "first": first, "source": source, "what": what, "lost": lost}
    return Plan(identity, first, document, what, lost)
