"""Which snapshots stay, by the filter that runs on the members; and when each member takes one."""

import json
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from machines.common.templates import MACHINES
from machines.etcd.backups import calendar

_KEEP = MACHINES / "etcd" / "backup-retention.jq"
NONE = {"last": 1, "hourly": 0, "daily": 0, "weekly": 0}


def _kept(keep: dict[str, int], *snapshots: str | dict[str, Any]) -> list[str]:
    """Names (ISO times) that stay, oldest first."""
    entries = []
    for snapshot in snapshots:
        entry = {"name": snapshot, "verified": True, "reason": "timer"} if isinstance(snapshot, str) else snapshot
        moment = datetime.fromisoformat(entry["name"]).replace(tzinfo=UTC)
        entries.append({"time": int(moment.timestamp()), "verified": True, "reason": "timer"} | entry)
    document = json.dumps({"keep": NONE | keep, "snapshots": entries})
    done = subprocess.run(["jq", "--from-file", str(_KEEP)], input=document, capture_output=True, text=True, check=True)
    names: list[str] = json.loads(done.stdout)
    return names


def _quarters(day: str, hours: range) -> list[str]:
    return [f"{day}T{hour:02}:{minute:02}" for hour in hours for minute in (0, 15, 30, 45)]


TIERS = [
    ({"last": 3}, _quarters("2026-03-02", range(2)), ["2026-03-02T01:15", "2026-03-02T01:30", "2026-03-02T01:45"]),
    ({"hourly": 2}, _quarters("2026-03-02", range(4)), ["2026-03-02T02:45", "2026-03-02T03:45"]),
    # Hours without a snapshot do not count: the machine may have been off.
    (
        {"hourly": 2},
        ["2026-03-01T05:00", "2026-03-02T09:00", "2026-03-02T09:30"],
        ["2026-03-01T05:00", "2026-03-02T09:30"],
    ),
    (
        {"daily": 2},
        ["2026-03-01T23:59", "2026-03-02T00:00", "2026-03-02T12:00"],
        ["2026-03-01T23:59", "2026-03-02T12:00"],
    ),
    # 1 March 2026 is a Sunday: the last of its week.
    (
        {"weekly": 2},
        ["2026-02-23T01:00", "2026-03-01T23:00", "2026-03-02T01:00"],
        ["2026-03-01T23:00", "2026-03-02T01:00"],
    ),
    ({}, ["2026-03-02T01:00"], ["2026-03-02T01:00"]),
]


@pytest.mark.parametrize(("keep", "snapshots", "kept"), TIERS)
def test_tiers(keep: dict[str, int], snapshots: list[str], kept: list[str]) -> None:
    assert _kept(keep, *snapshots) == kept


def test_the_usual_tiers_hold_a_month_in_few_files() -> None:
    usual = {"last": 8, "hourly": 24, "daily": 7, "weekly": 4}
    month = [name for day in range(1, 29) for name in _quarters(f"2026-02-{day:02}", range(24))]
    kept = _kept(usual, *month)
    assert len(kept) == 38
    assert kept[0] == "2026-02-08T23:45"
    assert kept[-1] == "2026-02-28T23:45"


def test_one_whose_proof_failed_drives_no_good_one_out() -> None:
    bad = [{"name": f"2026-03-02T0{hour}:30", "verified": False} for hour in (1, 2, 3)]
    assert _kept({}, "2026-03-02T01:00", *bad) == ["2026-03-02T01:00", "2026-03-02T03:30"]


def test_the_last_three_before_a_change_stay() -> None:
    before = [{"name": f"2026-03-0{day}T10:00", "reason": "upgrade"} for day in (1, 2, 3, 4)]
    assert _kept({}, *before, "2026-03-05T10:00") == [entry["name"] for entry in before[1:]] + ["2026-03-05T10:00"]


@pytest.mark.parametrize(
    ("minutes", "index", "count", "when"),
    [
        (15, 0, 3, "*:00/15:00"),
        (15, 1, 3, "*:05/15:00"),
        (15, 6, 7, "*:12/15:51"),
        (60, 1, 2, "*:30:00"),
        (360, 0, 3, "00/6:00:00"),
        (360, 2, 3, "04/6:00:00"),
        (1440, 2, 5, "09:36:00"),
    ],
)
def test_members_take_turns(minutes: int, index: int, count: int, when: str) -> None:
    assert calendar(minutes, index, count) == when
