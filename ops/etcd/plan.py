"""What to restore, on which member first, and what that loses: decided from what the members report. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ops.etcd.snapshots import Snapshot, Snapshots
from ops.shared.backups import duration
from ops.shared.errors import OpsError


class RestoreError(OpsError):
    """There is nothing to restore, or it would be wrong to; the message says why and what to do."""


@dataclass(frozen=True)
class Member:
    """What one member reports of itself; `revision` is None where it is not known."""

    name: str
    active: bool
    healthy: bool
    data: bool
    revision: int | None
    stage: str
    plan: Mapping[str, Any] | None

    @staticmethod
    def parse(look: Mapping[str, Any]) -> "Member":
        """From its JSON."""
        active = look["etcd"] in ("active", "activating", "reloading")
        same = {key: look[key] for key in ("healthy", "data", "revision", "stage", "plan")}
        return Member(name=look["member"], active=active, **same)


@dataclass(frozen=True)
class Plan:
    """A restore. `source` says to the members where the data is; `lost` says in words what it costs.

    `gone` are members that the user says will never come back.
    """

    id: str
    first: str
    source: Mapping[str, Any]
    what: str
    lost: str
    gone: tuple[str, ...] = ()
    resumed: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """What goes to the members, which keep it as their note of the restore."""
        words = {"id": self.id, "first": self.first, "source": self.source, "what": self.what, "lost": self.lost}
        return words | {"gone": list(self.gone)}

    @property
    def encrypted(self) -> bool:
        """Whether an age identity is needed."""
        return bool(self.source.get("encrypted"))


def resumed(members: Collection[Member]) -> Plan | None:
    """The restore that was begun and not ended, if there is one. Raises RestoreError when there are two."""
    notes = {member.plan["id"]: member.plan for member in members if member.plan}
    if len(notes) > 1:
        raise RestoreError(
            f"parts of {len(notes)} restores are on the members ({', '.join(sorted(notes))}): finish the one that "
            "counts by hand (docs/runbooks/etcd-restore.md)"
        )
    for note in notes.values():
        gone = tuple(note.get("gone", ()))
        return Plan(note["id"], note["first"], note["source"], note["what"], note["lost"], gone, resumed=True)
    return None


def checked_again(
    chosen: Plan, members: Sequence[Member], away: Collection[str], gone: Collection[str], name: str = ""
) -> Plan:
    """A restore that goes on, with who is gone now. Members may have come back since it was begun.

    Raises RestoreError where a majority of the old cluster serves or could. Once the data is in place on the first
    member, a majority is that of the restored cluster.
    """
    again = replace(chosen, gone=tuple(sorted({*chosen.gone, *gone})))
    if any(member.name == chosen.first and member.stage == "placed" for member in members):
        return again
    healthy = [member.name for member in members if member.healthy]
    if healthy and not (name and name == chosen.source["name"]):
        raise RestoreError(
            f"etcd works again ({', '.join(healthy)} with a majority), so the restore {chosen.id} would throw its data "
            "away. Finish the restore by hand on the members that it has stopped (docs/runbooks/etcd-restore.md), and "
            "they join by `pulumi up`; or confirm the snapshot of this restore with --snapshot NAME"
        )
    _refuse_feared(len(members) + len(away), away, again.gone)
    return again


def _refuse_feared(total: int, away: Collection[str], gone: Collection[str]) -> None:
    feared = sorted(set(away) - set(gone))
    if len(feared) > total // 2:
        raise RestoreError(
            f"{', '.join(feared)} cannot be reached, and together they would be a majority of the old cluster: two "
            "clusters could run. Bring them back, or confirm that they are gone for good with --gone NAME"
        )


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
    if not members:
        raise RestoreError("no member can be reached: bring the machines back by `pulumi up --refresh` first")
    _refuse_feared(len(members) + len(away), away, gone)
    healthy = [member.name for member in members if member.healthy]
    if healthy and not name:
        raise RestoreError(
            f"etcd works ({', '.join(healthy)} with a majority): nothing is lost. To throw its data away for that of a "
            "snapshot, name it with --snapshot NAME (`paas etcd backups` lists them)"
        )
    chosen = snapshots.named(name) if name else snapshots.newest
    if name and chosen is None:
        raise RestoreError(f"there is no snapshot {name}: `paas etcd backups` lists what there is")
    known = [member for member in members if member.revision is not None]
    known.sort(key=lambda member: member.revision or 0, reverse=True)
    survivor = next((member for member in known if member.data), None)
    if not name and survivor and (chosen is None or (survivor.revision or 0) >= chosen.revision):
        return replace(_from_survivor(identity, survivor, chosen), gone=tuple(sorted(set(gone))))
    if chosen is None:
        raise RestoreError("there is no verified snapshot anywhere, and no member has data")
    if not chosen.verified:
        raise RestoreError(f"the snapshot {chosen.name} failed its proof: choose another")
    last = known[0].revision if known else None
    found = _from_snapshot(identity, chosen, sorted(member.name for member in members), last, snapshots.now)
    return replace(found, gone=tuple(sorted(set(gone))))


def _from_survivor(identity: str, survivor: Member, chosen: Snapshot | None) -> Plan:
    beside = f"; the newest snapshot, {chosen.name}, has revision {chosen.revision}" if chosen else ""
    return Plan(
        identity,
        survivor.name,
        {"kind": "survivor", "name": "", "path": "", "encrypted": False},
        f"the data of {survivor.name}, which has revision {survivor.revision}{beside}",
        "what other members had acknowledged and this one had not received yet: nothing, unless it was behind",
    )


def _from_snapshot(identity: str, chosen: Snapshot, reachable: Sequence[str], last: int | None, now: int) -> Plan:
    if not chosen.off_machine and chosen.where not in reachable:
        raise RestoreError(f"{chosen.name} is on {chosen.where}, which cannot be reached")
    age = duration(max(now - chosen.time, 0))
    lost = f"everything written in the {age} since the snapshot"
    if last is not None and last > chosen.revision:
        lost += f": {last - chosen.revision} revisions, up to {last}"
    kind = chosen.where if chosen.off_machine else "here"
    return Plan(
        identity,
        reachable[0] if chosen.off_machine else chosen.where,
        {"kind": kind, "name": chosen.name, "path": chosen.path, "encrypted": chosen.encrypted},
        f"the snapshot {chosen.name} in {chosen.where}, {age} old, revision {chosen.revision}",
        lost,
    )
