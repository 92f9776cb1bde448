"""Which snapshots stay, and which make room first. Pure.

The newest is the one with the highest revision: a clock may be wrong, and a restore only ever makes revisions higher.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.etcd.backup_settings import Keep

#: Of those taken before a change, by whom or whatever, so many stay.
_BEFORE_CHANGES: Final = 3
_HOUR, _DAY, _WEEK = 3600, 86400, 604800


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What decides about one: `time` in seconds since 1970 by the member's clock, `verified` by its proof."""

    name: str
    time: int
    reason: str
    revision: int
    verified: bool = True


def age_order(snapshot: Snapshot) -> tuple[int, int, str]:
    """A key that sorts the oldest first."""
    return snapshot.revision, snapshot.time, snapshot.name


def staying(keep: Keep, snapshots: Sequence[Snapshot]) -> frozenset[str]:
    """The names that stay: verified ones by the tiers, and the newest other one, so that one can see why it failed."""
    kept = [one for tier in _tiers(keep, snapshots).values() for one in tier]
    return frozenset(one.name for one in kept + _failed(snapshots)[-1:])


def first_to_go(keep: Keep, snapshots: Sequence[Snapshot]) -> list[tuple[Snapshot, str]]:
    """All but the newest verified one, with why: in the order in which they make room for a new one.

    First those that failed their proof, then again and again the oldest of the tier that has most. A snapshot in
    several tiers counts in the one that reaches back farthest.
    """
    going = [(one, "its proof failed") for one in _failed(snapshots)]
    tiers = _tiers(keep, snapshots)
    # Where two have as many, the one that reaches back less.
    members: dict[str, list[Snapshot]] = {name: [] for name in reversed(tiers)}
    for one in sorted((one for one in snapshots if one.verified), key=age_order)[:-1]:
        if tier := next((name for name, kept in tiers.items() if one in kept), ""):
            members[tier].append(one)
        else:
            going.append((one, "no tier keeps it"))
    while any(members.values()):
        fullest = max(members, key=lambda name: len(members[name]))
        going.append((members[fullest].pop(0), f"the oldest of the fullest tier, {fullest}"))
    return going


def _failed(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    # The revision of one whose proof failed may be unknown.
    return sorted((one for one in snapshots if not one.verified), key=lambda one: (one.time, one.name))


def _tiers(keep: Keep, snapshots: Sequence[Snapshot]) -> dict[str, list[Snapshot]]:
    """The verified snapshots of each tier, newest first; the tier that reaches back farthest is first."""
    ordered = sorted((one for one in snapshots if one.verified), key=age_order, reverse=True)

    def newest_of_each(count: int, period: Callable[[int], int]) -> list[Snapshot]:
        """For the last `count` periods that have one."""
        found: dict[int, Snapshot] = {}
        for one in ordered:
            found.setdefault(period(one.time), one)
        return list(found.values())[:count]

    return {
        "before changes": [one for one in ordered if one.reason != "timer"][:_BEFORE_CHANGES],
        # 1970 began on a Thursday; weeks begin on Mondays.
        "weekly": newest_of_each(keep.weekly, lambda time: (time + 3 * _DAY) // _WEEK),
        "daily": newest_of_each(keep.daily, lambda time: time // _DAY),
        "hourly": newest_of_each(keep.hourly, lambda time: time // _HOUR),
        "last": ordered[: max(keep.last, 1)],
    }
