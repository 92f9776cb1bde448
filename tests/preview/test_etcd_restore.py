"""A real etcd is restored with the members' own commands: from a snapshot, from a survivor, and after interruptions."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.preview.etcd_machine import members
from tests.preview.etcd_machine.members import Machine

ID = "20260102T030405Z"
#: What the restore adds to the revision (agent/etcd/restore.py).
BUMP = 10**9


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Machine]]:
    """Three members and one key."""
    for machines in members.running(tmp_path, 3):
        machines[0].etcdctl("put", "before", "1")
        yield machines


def _plan(first: str, **source: str) -> str:
    return json.dumps({"id": ID, "first": first, "source": source})


def _lead(machines: list[Machine], plan: str) -> None:
    """Do what `python -m ops etcd restore` does: the first of `machines` gets the data, the others join it."""
    first, *others = machines
    for machine in machines:
        machine.good("restore", step="stop", stdin=plan)
    first.good("restore", step="snapshot")
    first.good("restore", step="place")
    first.join()
    for machine in others:
        machine.good("restore", step="empty")
        machine.join()
    for machine in machines:
        machine.good("restore", step="finish")


def _voters(machine: Machine) -> list[str]:
    listed = json.loads(machine.etcdctl("member", "list", "--write-out", "json"))["members"]
    return sorted(member["name"] for member in listed if not member.get("isLearner"))


def _healthy(machine: Machine) -> dict[str, Any]:
    look = machine.look()
    assert (look["etcd"], look["healthy"], look["stage"], look["plan"]) == ("active", True, "", None)
    return look


def test_deleted_data_comes_back_from_a_snapshot(three: list[Machine]) -> None:
    first, second, third = three
    taken = second.snapshot()
    first.etcdctl("put", "after", "1")
    for machine in three:
        machine.kill()
        shutil.rmtree(machine.data / "member")
    assert [machine.look()["data"] for machine in three] == [False] * 3
    _lead([second, first, third], _plan("etcd-1", kind="here", name=taken["name"]))
    assert _voters(second) == ["etcd-0", "etcd-1", "etcd-2"]
    for machine in three:
        assert machine.etcdctl("get", "before", "--print-value-only").strip() == "1"
        assert machine.etcdctl("get", "after") == ""
        # No watcher can have seen a revision as high as this.
        assert _healthy(machine)["revision"] >= taken["revision"] + BUMP
    with pytest.raises(Exception, match="etcdctl"):
        # Clients that ask from an earlier revision get an error and have to read everything again.
        first.etcdctl("get", "before", "--rev", str(taken["revision"]))
    assert second.snapshot()["verified"]
    assert "this machine has its data" in _restarted(third)


def _restarted(machine: Machine) -> str:
    """The output of converge at the next `pulumi up`."""
    machine.systemctl("stop")
    return machine.join().output


def test_a_survivor_s_data_is_kept_up_to_the_last_write(three: list[Machine]) -> None:
    first, second, third = three
    first.etcdctl("put", "last", "write")
    revision = first.look()["revision"]
    # A follower learns of a commit with the leader's next word. What it has not heard of, a survivor gives up
    # (docs/runbooks/etcd-restore.md).
    end = time.monotonic() + 10
    while third.look()["revision"] < revision:
        assert time.monotonic() < end, "the survivor never has the write"
        time.sleep(0.1)
    # A killed member has its last writes only in its log.
    for machine in three:
        machine.kill()
    for machine in (first, second):
        shutil.rmtree(machine.data / "member")
    third.systemctl("start")
    look = third.look()
    assert (look["etcd"], look["healthy"], look["data"]) == ("activating", False, True)
    _lead([third, first, second], _plan("etcd-2", kind="survivor", name=""))
    assert first.etcdctl("get", "last", "--print-value-only").strip() == "write"
    assert third.look()["revision"] >= revision + BUMP
    (aside,) = third.look()["aside"]
    assert (Path(aside) / "member/snap/db").exists(), "the old data must be kept"


def test_every_step_can_be_interrupted_and_repeated(three: list[Machine]) -> None:
    first, second, third = three
    taken = first.snapshot()
    plan = _plan("etcd-0", kind="here", name=taken["name"])
    for machine in three * 2:
        machine.good("restore", step="stop", stdin=plan)
    refused = second.converge()
    assert "a restore of etcd was begun" in refused.output
    other = first.command("restore", step="stop", stdin=plan.replace(ID, "20270102T030405Z"))
    assert "was begun here and has not ended" in other.output
    for _ in range(2):
        first.good("restore", step="snapshot")
    first.good("restore", step="place")
    # As if killed after the data was in place but before that was recorded.
    (first.root / "var/lib/openstack-paas/etcd-restore/stage").write_text("stopped\n")
    (first.data / f"restore-{ID}").mkdir()
    first.good("restore", step="place")
    first.join()
    second.good("restore", step="empty")
    second.join()
    second.etcdctl("put", "new", "1")
    # Start again: nothing that already works is stopped or emptied.
    for machine in (first, second):
        machine.good("restore", step="stop", stdin=plan)
        assert machine.look()["healthy"]
    second.good("restore", step="empty")
    third.good("restore", step="empty")
    third.join()
    for machine in three:
        machine.good("restore", step="finish")
        assert machine.etcdctl("get", "new", "--print-value-only").strip() == "1"


def test_an_old_member_does_not_mix_with_the_restored_cluster(three: list[Machine]) -> None:
    first, second, third = three
    taken = first.snapshot()
    third.etcdctl("put", "after", "1")
    plan = _plan("etcd-0", kind="here", name=taken["name"])
    # The third machine is away and comes back with its old data, as a voter of the old cluster.
    third.systemctl("stop")
    _lead([first, second], plan)
    third.systemctl("start")
    second.etcdctl("put", "new", "1")
    look = third.look()
    assert (look["etcd"], look["healthy"]) == ("activating", False)
    assert look["revision"] < BUMP
    assert first.etcdctl("get", "after") == ""
    third.good("restore", step="stop", stdin=plan)
    third.good("restore", step="empty")
    third.join()
    third.good("restore", step="finish")
    assert third.etcdctl("get", "new", "--print-value-only").strip() == "1"
