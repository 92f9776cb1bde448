"""Which snapshots stay, and which make room first."""

from datetime import UTC, datetime

import pytest

from agent.etcd.backup_settings import Keep
from agent.etcd.retention import Snapshot, first_to_go, staying


def _taken(name: str, revision: int, reason: str = "timer", verified: bool = True) -> Snapshot:
    time = int(datetime.fromisoformat(name).replace(tzinfo=UTC).timestamp())
    return Snapshot(name=name, time=time, reason=reason, revision=revision, verified=verified)


def _kept(keep: Keep, *names: str) -> list[str]:
    return sorted(staying(keep, [_taken(name, number) for number, name in enumerate(names, 1)]))


def _quarters(day: str, hours: range) -> list[str]:
    return [f"{day}T{hour:02}:{minute:02}" for hour in hours for minute in (0, 15, 30, 45)]


TIERS = [
    (Keep(3), _quarters("2026-03-02", range(2)), ["2026-03-02T01:15", "2026-03-02T01:30", "2026-03-02T01:45"]),
    (Keep(1, hourly=2), _quarters("2026-03-02", range(4)), ["2026-03-02T02:45", "2026-03-02T03:45"]),
    # Hours without a snapshot do not count: the machine may have been off.
    (
        Keep(1, hourly=2),
        ["2026-03-01T05:00", "2026-03-02T09:00", "2026-03-02T09:30"],
        ["2026-03-01T05:00", "2026-03-02T09:30"],
    ),
    (
        Keep(1, daily=2),
        ["2026-03-01T23:59", "2026-03-02T00:00", "2026-03-02T12:00"],
        ["2026-03-01T23:59", "2026-03-02T12:00"],
    ),
    # 1 March 2026 is a Sunday: the last of its week.
    (
        Keep(1, weekly=2),
        ["2026-02-23T01:00", "2026-03-01T23:00", "2026-03-02T01:00"],
        ["2026-03-01T23:00", "2026-03-02T01:00"],
    ),
    (Keep(0), ["2026-03-02T01:00"], ["2026-03-02T01:00"]),
]


@pytest.mark.parametrize(("keep", "names", "kept"), TIERS)
def test_tiers(keep: Keep, names: list[str], kept: list[str]) -> None:
    assert _kept(keep, *names) == kept


def test_the_usual_tiers_hold_a_month_in_few_files() -> None:
    month = [name for day in range(1, 29) for name in _quarters(f"2026-02-{day:02}", range(24))]
    kept = _kept(Keep(8, 24, 7, 4), *month)
    assert len(kept) == 38
    assert (kept[0], kept[-1]) == ("2026-02-08T23:45", "2026-02-28T23:45")


def test_the_newest_is_the_one_with_the_highest_revision_whatever_the_clock_says() -> None:
    """The shell kept the one of 2031, and removed what came after the clock was right again."""
    wrong = _taken("2031-01-01T00:00", 50)
    after = [_taken(f"2026-03-02T01:{minute}", 50 + minute) for minute in (10, 20, 30)]
    assert staying(Keep(2), [wrong, *after]) == {"2026-03-02T01:20", "2026-03-02T01:30"}
    back = [_taken("2026-03-02T01:40", 90), _taken("2026-03-02T01:05", 95)]
    assert staying(Keep(1, hourly=1), [*after, *back]) == {"2026-03-02T01:05"}


def test_one_whose_proof_failed_drives_no_good_one_out() -> None:
    bad = [_taken(f"2026-03-02T0{hour}:30", 99, verified=False) for hour in (1, 2, 3)]
    assert staying(Keep(1), [_taken("2026-03-02T01:00", 1), *bad]) == {"2026-03-02T01:00", "2026-03-02T03:30"}


def test_the_last_three_before_a_change_stay() -> None:
    before = [_taken(f"2026-03-0{day}T10:00", day, reason="upgrade") for day in (1, 2, 3, 4)]
    kept = staying(Keep(1), [*before, _taken("2026-03-05T10:00", 5)])
    assert kept == {one.name for one in before[1:]} | {"2026-03-05T10:00"}


def test_the_oldest_of_the_fullest_tier_makes_room_and_the_newest_never() -> None:
    keep = Keep(last=3, hourly=3, daily=3)
    days = [_taken(f"2026-02-0{day}T12:00", day) for day in (1, 2, 3)]
    hours = [_taken(f"2026-02-04T0{hour}:00", 10 + hour) for hour in (1, 2, 3)]
    last = [_taken(f"2026-02-04T03:{minute}", 20 + minute) for minute in (10, 20, 30)]
    failed = _taken("2026-02-04T03:25", 0, verified=False)
    every = [*days, *hours, *last, failed]
    none, fullest = "no tier keeps it", "the oldest of the fullest tier, "
    assert [(one.name[5:], why) for one, why in first_to_go(keep, every)] == [
        ("02-04T03:25", "its proof failed"),
        # Of the days the 2nd and 3rd stay beside the 4th, and of this hour its newest.
        ("02-01T12:00", none),
        ("02-04T03:00", none),
        ("02-04T03:10", f"{fullest}last"),
        ("02-04T01:00", f"{fullest}hourly"),
        ("02-02T12:00", f"{fullest}daily"),
        ("02-04T03:20", f"{fullest}last"),
        ("02-04T02:00", f"{fullest}hourly"),
        ("02-03T12:00", f"{fullest}daily"),
    ]
    assert first_to_go(Keep(1), [last[0]]) == []


def test_a_snapshot_counts_in_the_tier_that_reaches_back_farthest() -> None:
    keep = Keep(last=4, hourly=9)
    hours = [_taken(f"2026-02-04T0{hour}:00", hour) for hour in range(1, 7)]
    quarters = [_taken(f"2026-02-04T07:{minute}", 10 + minute) for minute in (10, 20, 30, 40)]
    going = first_to_go(keep, [*hours, *quarters])
    assert [one.name[11:] for one, _ in going[:4]] == ["01:00", "02:00", "03:00", "07:10"]
    assert going[0][1] == "the oldest of the fullest tier, hourly"
    assert going[3][1] == "the oldest of the fullest tier, last"
