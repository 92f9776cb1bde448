"""Which snapshots stay, and which make room first. Pure.

The newest is the one with the highest revision: a clock may be wrong, and a restore only ever makes revisions higher.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, TypeVar

from agent.etcd.backup_settings import Keep

#: Of those taken before a change, by whom or whatever, so many stay.
_BEFORE_CHANGES: Final = 3
_HOUR, _DAY, _WEEK = 3600, 86400, 604800


class Snapshot(Protocol):
    """What decides about a snapshot; `time` in seconds since 1970."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def time(self) -> int:
        """When it was taken, by the member's clock."""

    @property
    def revision(self) -> int:
        """Up to which revision it goes."""

    @property
    def reason(self) -> str:
        """What it was taken for."""

    @property
    def verified(self) -> bool:
        """Whether its proof succeeded."""


Kept = TypeVar("Kept", bound=Snapshot)


def age_order(snapshot: Snapshot) -> tuple[int, int, str]:
    """A key that sorts the oldest first."""
    return snapshot.revision, snapshot.time, snapshot.name


def staying(keep: Keep, snapshots: Iterable[Snapshot]) -> frozenset[str]:
    """The names that stay. Only verified ones count in the tiers.

    Of the others the newest stays, for whoever wants to know why it failed.
    """
    every = list(snapshots)
    kept = {one.name for tier in _tiers(keep, every).values() for one in tier}
    failed = max((one for one in every if not one.verified), key=_by_time, default=None)
    return frozenset(kept | ({failed.name} if failed else set()))


def first_to_go(keep: Keep, snapshots: Iterable[Kept]) -> list[tuple[Kept, str]]:
    """All but the newest verified one, with why: in the order in which they make room for a new one.

    First those that failed their proof, then again and again the oldest of the tier that has most. A snapshot in
    several tiers counts in the one that reaches back farthest.
    """
    every = list(snapshots)
    going = [(one, "its proof failed") for one in sorted((one for one in every if not one.verified), key=_by_time)]
    rest = sorted((one for one in every if one.verified), key=age_order)[:-1]
    members: dict[str, list[Kept]] = {}
    tiers = {name: {one.name for one in tier} for name, tier in _tiers(keep, every).items()}
    for one in rest:
        tier = next((name for name, names in tiers.items() if one.name in names), "")
        members.setdefault(tier, []).append(one)
    going += [(one, "no tier keeps it") for one in members.pop("", [])]
    # Where two have as many, the one that reaches back less.
    order = list(reversed(tiers))
    while any(members.values()):
        fullest = max((name for name in order if name in members), key=lambda name: len(members[name]))
        going.append((members[fullest].pop(0), f"the oldest of the fullest tier, {fullest}"))
    return going


def _by_time(snapshot: Snapshot) -> tuple[int, str]:
    # The revision of one whose proof failed may be unknown.
    return snapshot.time, snapshot.name


def _tiers(keep: Keep, snapshots: Sequence[Kept]) -> dict[str, list[Kept]]:
    """The verified snapshots of each tier, newest first; the tier that reaches back farthest is first."""
    ordered = sorted((one for one in snapshots if one.verified), key=age_order, reverse=True)
    return {
        "before changes": [one for one in ordered if one.reason != "timer"][:_BEFORE_CHANGES],
        # 1970 began on a Thursday; weeks begin on Mondays.
        "weekly": _newest_of_each(ordered, keep.weekly, lambda time: (time + 3 * _DAY) // _WEEK),
        "daily": _newest_of_each(ordered, keep.daily, lambda time: time // _DAY),
        "hourly": _newest_of_each(ordered, keep.hourly, lambda time: time // _HOUR),
        "last": ordered[: max(keep.last, 1)],
    }


def _newest_of_each(ordered: Sequence[Kept], count: int, period: Callable[[int], int]) -> list[Kept]:
    """The newest of each period that has one, for the last `count` such periods."""
    found: dict[int, Kept] = {}
    for one in ordered:
        found.setdefault(period(one.time), one)
    return list(found.values())[:count]
