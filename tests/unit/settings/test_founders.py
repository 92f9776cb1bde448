"""Which machines may found a stack's etcd: no other one takes the place of an etcd that is lost."""

import pytest

from settings.load import parse
from settings.running import Running, from_outputs, from_resources, may_begin

PLAN = parse({"preset": "production"}, "dev").plan.etcd
STEP, INSTANCE = "command:remote:Command", "openstack:compute/instance:Instance"


def founds(running: Running | None, number: int, instance: str) -> bool:
    return may_begin(running or Running(), PLAN, PLAN[number], instance)


def stopped(*ended: int, gone: tuple[int, ...] = ()) -> Running | None:
    """What is left of a first `up` that never finished: these steps had ended; these machines are gone since."""
    resources = {}
    for number in ended:
        member = PLAN[number]
        resources[f"urn::{STEP}::{member.name}"] = {"type": STEP, "outputs": {"triggers": [f"id-{number}"]}}
        if number not in gone:
            outputs = {"name": member.hostname, "id": f"id-{number}"}
            resources[f"urn::{INSTANCE}::{member.name}"] = {"type": INSTANCE, "outputs": outputs}
    return from_resources(resources)


def finished(*founders: str) -> Running | None:
    return from_outputs({"versions": {"kubernetes": "1.34.2"}, "founders": list(founders)})


def test_the_same_before_and_after_the_first_up() -> None:
    """Otherwise the second `up` would change each member."""
    after = finished("id-0", "id-1", "id-2")
    for number in range(3):
        assert founds(None, number, f"id-{number}") and founds(after, number, f"id-{number}")


def test_machines_that_are_made_later_found_nothing() -> None:
    """The shell let new machines form a new cluster in the place of one whose zone was lost."""
    after = finished("id-0", "id-1", "id-2")
    assert not any(founds(after, number, f"new-{number}") for number in range(3))
    assert founds(after, 0, "id-0")


def test_a_stack_of_an_earlier_release() -> None:
    """All its members' steps change anyway."""
    assert not founds(from_outputs({"versions": {"kubernetes": "1.34.2"}}), 0, "id-0")


@pytest.mark.parametrize("ended", [(), (0,)])
def test_too_few_had_ended_for_a_cluster(ended: tuple[int, ...]) -> None:
    """`--parallel 1` was stopped after the first: the others form with it."""
    assert all(founds(stopped(*ended), number, f"id-{number}") for number in range(3))


def test_most_had_ended_in_a_first_up_that_failed() -> None:
    running = stopped(0, 1)
    assert founds(running, 0, "id-0") and founds(running, 1, "id-1")
    # One of them was lost since, and the third is only made now: both join the others.
    assert not founds(running, 1, "new-1") and not founds(running, 2, "id-2")
    # Also where the states knows of no machine of theirs any more.
    lost = stopped(0, 1, 2, gone=(1, 2))
    assert not founds(lost, 1, "new-1") and not founds(lost, 2, "new-2") and founds(lost, 0, "id-0")
