"""What a restore takes and what it refuses, and when snapshots are too old: pure decisions."""

from typing import Any

import pytest

from ops.etcd import plan
from ops.etcd.plan import Member, RestoreError
from ops.etcd.snapshots import Snapshots, parse

ID = "20260102T030405Z"
NOW = 1_800_000_000


def _listing(member: str, *ages: int, places: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A member with snapshots so many seconds old; their revision falls with their age."""
    return {
        "member": member,
        "now": NOW,
        "interval": 900,
        "status": {},
        "snapshots": [
            {
                "name": f"{member}-{age}",
                "member": member,
                "time": NOW - age,
                "revision": 10_000 - age,
                "verified": True,
                "size": 1,
                "keys": 1,
            }
            for age in ages
        ],
        "places": places or {},
        **more,
    }


def _s3(age: int, encrypted: bool = False) -> dict[str, Any]:
    one = {"name": f"far-{age}", "member": "etcd-9", "path": f"etcd-9/far-{age}.db", "time": NOW - age}
    return {"s3": {"snapshots": [one | {"revision": 10_000 - age, "encrypted": encrypted}]}}


def _member(name: str, **more: Any) -> Member:
    values = {"active": False, "healthy": False, "data": False, "revision": None, "stage": "", "plan": None}
    return Member(name=name, **(values | more))


EMPTY = [_member("etcd-0"), _member("etcd-1"), _member("etcd-2")]
SOME = parse([_listing("etcd-0", 700, 1600), _listing("etcd-1", 100), _listing("etcd-2", 400)])


def test_lost_data_comes_from_the_newest_snapshot_where_it_lies() -> None:
    chosen = plan.decide(ID, EMPTY, [], [], SOME)
    assert (chosen.first, chosen.source["kind"]) == ("etcd-1", "here")
    assert chosen.source["name"] == "etcd-1-100"
    assert chosen.lost == "everything written in the 100 s since the snapshot"
    # The members' scripts read these keys (agent/etcd/restore_plan.py).
    assert list(chosen.document) == ["id", "first", "source", "what", "lost", "gone"]
    assert chosen.document["source"] == chosen.source


def test_the_last_member_s_data_wins_over_older_snapshots() -> None:
    members = [_member("etcd-0"), _member("etcd-2", data=True, active=True, revision=9_950)]
    chosen = plan.decide(ID, members, ["etcd-1"], [], SOME)
    assert (chosen.first, chosen.source["kind"]) == ("etcd-2", "survivor")
    assert "revision 9950" in chosen.what


def test_a_member_that_was_behind_loses_to_a_newer_snapshot() -> None:
    members = [_member("etcd-1"), _member("etcd-2", data=True, revision=9_000)]
    assert plan.decide(ID, members, ["etcd-0"], [], SOME).source["name"] == "etcd-1-100"


def test_the_named_snapshot_is_taken_and_its_price_reported() -> None:
    members = [_member(f"etcd-{number}", data=True, healthy=True, revision=11_000) for number in range(3)]
    chosen = plan.decide(ID, members, [], [], SOME, "etcd-0-1600")
    assert chosen.first == "etcd-0"
    assert chosen.lost == "everything written in the 26 min since the snapshot: 2600 revisions, up to 11000"


def test_off_machine_places_serve_when_machines_are_new() -> None:
    snapshots = parse([_listing("etcd-1", places=_s3(300, encrypted=True))])
    chosen = plan.decide(ID, EMPTY, [], [], snapshots)
    source = chosen.source
    assert (chosen.first, source["kind"], source["path"], chosen.encrypted) == (
        "etcd-0",
        "s3",
        "etcd-9/far-300.db",
        True,
    )


REFUSED: list[tuple[str, list[Member], list[str], Snapshots, str, str]] = [
    ("a majority works", [_member("etcd-0", healthy=True, data=True, revision=5)], [], SOME, "", "nothing is lost"),
    ("a majority may be elsewhere", [EMPTY[0]], ["etcd-1", "etcd-2"], SOME, "", "two clusters could run"),
    ("nobody there", [], ["etcd-0"], SOME, "", "no member can be reached"),
    ("nothing there", EMPTY, [], parse([_listing("etcd-0")]), "", "no verified snapshot anywhere"),
    ("no such snapshot", EMPTY, [], SOME, "other", "there is no snapshot other"),
    ("its machine is away", EMPTY[:2], ["etcd-2"], SOME, "etcd-2-400", "which cannot be reached"),
]


@pytest.mark.parametrize(("members", "away", "snapshots", "name", "why"), [row[1:] for row in REFUSED])
def test_refused(members: list[Member], away: list[str], snapshots: Snapshots, name: str, why: str) -> None:
    with pytest.raises(RestoreError, match=why):
        plan.decide(ID, members, away, [], snapshots, name)


def test_machines_that_are_gone_for_ever_are_no_majority() -> None:
    assert plan.decide(ID, [_member("etcd-1")], ["etcd-0", "etcd-2"], ["etcd-0"], SOME).first == "etcd-1"


def test_a_failed_proof_is_not_restored_and_not_counted() -> None:
    listing = _listing("etcd-0", 50, 60)
    listing["snapshots"][0]["verified"] = False
    snapshots = parse([listing])
    assert snapshots.newest is not None
    assert snapshots.newest.name == "etcd-0-60"
    with pytest.raises(RestoreError, match="failed its proof"):
        plan.decide(ID, EMPTY, [], [], snapshots, "etcd-0-50")


def test_a_restore_that_was_begun_goes_on_as_it_was_decided() -> None:
    begun = plan.decide(ID, EMPTY, [], [], SOME)
    members = [_member("etcd-0", stage="emptied", plan=begun.document), _member("etcd-1", plan=begun.document)]
    again = plan.resumed(members)
    assert again is not None
    assert (again.id, again.first, again.document, again.resumed) == (ID, "etcd-1", begun.document, True)
    assert plan.resumed(EMPTY) is None
    other = plan.decide("20270101T000000Z", EMPTY, [], [], SOME)
    with pytest.raises(RestoreError, match="parts of 2 restores"):
        plan.resumed([*members, _member("etcd-2", plan=other.document)])


def test_the_newest_snapshot_is_the_one_with_the_highest_revision() -> None:
    wrong_clock = _listing("etcd-0", -80000)
    wrong_clock["snapshots"][0]["revision"] = 1
    newest = parse([wrong_clock, _listing("etcd-1", 100)]).newest
    assert newest is not None
    assert newest.name == "etcd-1-100"


def _begun(stage: str = "stopped") -> tuple[plan.Plan, Member]:
    begun = plan.decide(ID, [_member("etcd-0")], ["etcd-1", "etcd-2"], ["etcd-1", "etcd-2"], SOME, "etcd-0-700")
    return begun, _member("etcd-0", stage=stage, plan=begun.document)


def test_a_restore_that_goes_on_is_refused_where_a_majority_has_come_back() -> None:
    begun, first = _begun()
    back = [_member(name, healthy=True, data=True, revision=20_000) for name in ("etcd-1", "etcd-2")]
    with pytest.raises(RestoreError, match=r"etcd works again \(etcd-1, etcd-2 with a majority\)"):
        plan.checked_again(begun, [first, *back], [], [])
    assert plan.checked_again(begun, [first, *back], [], [], "etcd-0-700") == begun, "the user wants it so"
    _, placed = _begun("placed")
    assert plan.checked_again(begun, [placed, *back], [], []) == begun, "that is the restored cluster"


def test_a_restore_that_goes_on_is_refused_where_a_majority_may_be_elsewhere() -> None:
    begun = plan.decide(ID, EMPTY, [], [], SOME)
    first = _member("etcd-1", stage="stopped", plan=begun.document)
    with pytest.raises(RestoreError, match="etcd-0, etcd-2 cannot be reached, and together"):
        plan.checked_again(begun, [first], ["etcd-0", "etcd-2"], [])
    again = plan.checked_again(begun, [first], ["etcd-0", "etcd-2"], ["etcd-0"])
    assert again.document["gone"] == ["etcd-0"], "the members must know it too"
    assert plan.checked_again(again, [first], ["etcd-0", "etcd-2"], []).gone == ("etcd-0",)


def test_snapshots_are_late_after_three_intervals() -> None:
    assert parse([_listing("etcd-0", 2700)]).late == ""
    late = "the newest verified snapshot is 45 min old, more than 3 intervals of 15 min"
    assert parse([_listing("etcd-0", 2701)]).late == late
    assert parse([_listing("etcd-0")]).late == "there is no verified snapshot"


def test_what_went_wrong_is_listed_beside_the_snapshots() -> None:
    failed = _listing("etcd-0", 10, status={"outcome": "failed", "step": "copies"})
    failed["places"] = {"s3": {"problem": "403 Forbidden\n"}}
    assert parse([failed], ["etcd-1: no SSH"]).problems == (
        "etcd-1: no SSH",
        "etcd-0: the last run failed at step 'copies'",
        "etcd-0: s3: 403 Forbidden",
    )
