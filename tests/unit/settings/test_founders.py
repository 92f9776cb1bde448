"""Which control planes may initialise a cluster."""

import pytest

from settings.running import Running, founds_cluster, from_outputs

PLANES = ("a", "b")


@pytest.mark.parametrize(
    ("running", "founds"),
    [
        (Running(), True),
        (Running(instances={"worker": "3"}), True),
        (Running(instances={"a": "1"}), True),
        (Running(instances={"b": "2"}), False),
        (Running(cluster_founders=("1",)), True),
        (Running(cluster_founders=("2",)), False),
        (Running(cluster_founders=()), False),
    ],
)
def test_a_machine_founds_a_cluster_only_where_there_was_none(running: Running, founds: bool) -> None:
    assert founds_cluster(running, PLANES, "1") is founds


def test_a_stack_of_the_release_before_has_had_a_cluster() -> None:
    running = from_outputs({"versions": {"kubernetes": "1.34.2"}})
    assert running and running.cluster_founders == ()
