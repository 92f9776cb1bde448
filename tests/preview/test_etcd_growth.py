"""A real etcd grows, shrinks and loses members with the members' own agent: one at a time, never below quorum."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import etcd_api
from agent.etcd_api import PortState
from tests.preview.etcd_machine import members
from tests.preview.etcd_machine.members import Machine


@pytest.fixture
def five(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Machine]]:
    """Five machines. The test says how many of them, counted from the first, form a cluster."""
    for machines in members.running(tmp_path, 5, first=request.param):
        machines[0].etcdctl("put", "before", "1")
        yield machines


def begin(count: int) -> pytest.MarkDecorator:
    """The number of members at the beginning."""
    return pytest.mark.parametrize("five", [count], indirect=True)


def listed(machine: Machine) -> list[str]:
    """The sorted names and states of the members, as `machine` knows them."""
    lines = machine.etcdctl("member", "list", "--write-out", "simple").splitlines()
    return sorted(" ".join([line.split(", ")[2], line.split(", ")[1], line.split(", ")[-1]]) for line in lines)


def voters(count: int) -> list[str]:
    """The expected result of `listed`: no learners."""
    return [f"etcd-{number} started false" for number in range(count)]


def lose(machine: Machine) -> None:
    """Delete the machine and make another one in its place."""
    machine.kill()
    shutil.rmtree(machine.root)
    machine.state.mkdir(parents=True)


def resize(machines: list[Machine], count: int, deleted: bool = True) -> list[str]:
    """Do what an `up` with another etcd.count does. Machines that left stay unless `deleted`. Returns the output."""
    members.name(machines[:count])
    done = members.converge(machines[:count])
    assert [each.status for each in done] == [0] * count, "\n".join(each.output for each in done)
    assert listed(machines[0]) == voters(count)
    for machine in machines[:count]:
        assert machine.etcdctl("get", "before", "--print-value-only").strip() == "1"
    for machine in machines[count:] if deleted else []:
        lose(machine)
    return [each.output for each in done]


@begin(1)
def test_from_one_to_five_and_back_and_to_three(five: list[Machine]) -> None:
    said = resize(five, 5)
    assert not five[0].backups.exists()
    # Four wanted to join at once. Each took a snapshot first, and they joined one after another.
    assert ["a snapshot before the membership changes" in text for text in said] == [False, True, True, True, True]
    assert any("for another change of the membership" in text for text in said)

    # Make a member that has to leave the leader.
    leader = five[4]
    own = next(line for line in leader.etcdctl("member", "list").splitlines() if leader.address in line)
    for machine in five:
        status = machine.etcdctl("endpoint", "status", "--write-out", "simple").split(", ")
        if status[6] == "true" and machine != leader:
            machine.etcdctl("move-leader", own.split(", ")[0])
    (said_by_first,) = resize(five, 1)
    assert said_by_first.count("is no longer a member") == 4
    assert "did not hand over" not in said_by_first
    (kept,) = five[0].snapshots()
    assert (kept["reason"], kept["verified"]) == ("membership", True)

    resize(five, 3)


@begin(5)
def test_no_member_leaves_while_a_staying_member_is_down_but_a_leaving_one_may_be(
    five: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    five[2].kill()
    members.name(five[:3])
    before = listed(five[0])
    monkeypatch.setattr("agent.etcd.membership_changes.STAYING_SECONDS", 2)
    for refused in members.converge(five[:2]):
        assert refused.status != 0
        assert "etcd-0 healthy, etcd-1 healthy, etcd-2 not healthy" in refused.output
    assert listed(five[0]) == before
    monkeypatch.undo()
    five[2].systemctl("start")
    five[3].kill()
    resize(five, 3, deleted=False)
    # Before their machines are deleted, the stack file says five again.
    said = resize(five, 5)
    assert ["does not list this machine" in text for text in said] == [False, False, False, True, True]


@begin(5)
def test_two_lost_members_of_five_rejoin_in_one_run(five: list[Machine]) -> None:
    for machine in five[1:3]:
        lose(machine)
    resize(five, 5)


@begin(3)
def test_without_a_majority_nothing_is_changed(five: list[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.etcd.start.ELECTION_SECONDS", 20)
    before = listed(five[0])
    # One machine is replaced while another one is down.
    lose(five[1])
    five[2].kill()
    (refused,) = members.converge([five[1]])
    assert refused.status != 0
    assert "has no majority (peers: etcd-0 broken, etcd-2 idle): nothing can be changed in it" in refused.output
    # When the other one is back, the same run succeeds, and the lost member is replaced.
    five[2].systemctl("start")
    resize(five, 3)
    assert len(before) == len(listed(five[0]))


@begin(1)
def test_new_machines_do_not_outvote_a_member_that_is_away(
    five: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one to three while the only member is off. The two new machines would be a majority of three."""
    monkeypatch.setattr("agent.etcd.start.MACHINES_SECONDS", 5)
    first, second, third = five[:3]
    members.name(five[:3])
    first.kill()

    def port_state(address: str, port: int) -> PortState:
        # An address of loopback refuses; one whose machine is off is silent.
        return PortState.SILENT if address == first.address else etcd_api.port_state(address, port)

    for machine in (second, third):
        monkeypatch.setattr(machine.network, "port_state", port_state)
    for done in members.converge([second, third]):
        assert done.status != 0
        assert "not every peer says whether a cluster exists (peers: etcd-0 silent" in done.output
