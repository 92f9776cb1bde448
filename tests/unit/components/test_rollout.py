"""The order of changes: running machines one after another or a few at a time, new ones at once."""

from typing import Any

import pytest

from settings.running import Running
from tests.unit.components import graph as graphs
from tests.unit.components.graph import LAB, Graph
from tests.unit.components.test_graph import CONTROL_PLANES, GATEWAYS, WORKERS, reachable

POOLS: dict[str, Any] = {"data": {"count": 2, "firstAddress": 64}, "general": {"count": 5, "maxUnavailable": 2}}


def _running(*names: str) -> Running:
    return Running("1.34.2", {}, {f"lab-{name}": "an-id" for name in names})


@pytest.fixture(scope="module")
def graph() -> Graph:
    """A running platform with two pools, to which one worker of the second and a control plane are new."""
    names = [f"gateway-{i}" for i in range(2)] + [f"etcd-{i}" for i in range(3)]
    names += ["control-plane-0", "control-plane-1"]
    names += [f"worker-data-{i}" for i in range(2)] + [f"worker-general-{i}" for i in range(4)]
    return graphs.run(LAB | {"workers": POOLS}, running=_running(*names))[0]


def waits(graph: Graph, name: str) -> set[str]:
    """The steps that a machine's step waits for directly."""
    return {d for d in graph.commands()[name].dependencies if d.startswith("Command/")}


def test_gateways_and_control_planes_change_one_after_another(graph: Graph) -> None:
    assert "Command/gateway-0" in waits(graph, "gateway-1")
    assert not waits(graph, "gateway-0")
    assert "Command/control-plane-0" in waits(graph, "control-plane-1")
    assert not waits(graph, "control-plane-0") & CONTROL_PLANES


def test_members_of_etcd_take_their_turns_on_the_machines(graph: Graph) -> None:
    for number in range(3):
        assert not any(name.startswith("Command/etcd") for name in waits(graph, f"etcd-{number}"))


def test_workers_change_after_the_control_planes_pool_by_pool(graph: Graph) -> None:
    everything = reachable(graph, "Command/worker-general-3")
    assert everything >= {"Command/control-plane-1", "Command/worker-data-1", "Command/worker-general-1"}
    assert "Command/worker-general-2" not in everything
    assert "Command/worker-data-0" in waits(graph, "worker-data-1")


def test_the_cluster_is_asked_after_the_change_of_its_control_planes(graph: Graph) -> None:
    waits_for = graph.of_type("pulumi:providers:kubernetes")["cluster"].dependencies
    assert {"Command/api", "Command/control-plane-1"} <= waits_for
    assert not waits_for & WORKERS


def test_a_pool_has_a_window(graph: Graph) -> None:
    general = {f"Command/worker-general-{i}" for i in range(5)}
    expected = {0: set(), 1: set(), 2: {0}, 3: {1}, 4: set()}
    for number, before in expected.items():
        assert waits(graph, f"worker-general-{number}") & general == {f"Command/worker-general-{i}" for i in before}


def test_what_is_new_joins_after_those_that_may_have_to_change_first(graph: Graph) -> None:
    # No kubelet may be newer than an API server.
    assert "Command/control-plane-1" in waits(graph, "control-plane-2")
    assert "Command/control-plane-1" in reachable(graph, "Command/worker-general-4")
    assert "Command/control-plane-2" not in reachable(graph, "Command/worker-general-4")


def test_a_new_platform_has_no_order() -> None:
    graph, _ = graphs.run(LAB)
    for names in (GATEWAYS, CONTROL_PLANES, WORKERS):
        for name in names:
            assert not reachable(graph, name) & (names - {name})


@pytest.mark.system
def test_the_dependencies_of_a_large_pool_stay_few() -> None:
    names = [f"worker-a-{i}" for i in range(60)] + [f"worker-b-{i}" for i in range(60)]
    pools = {"a": {"count": 60, "maxUnavailable": 3}, "b": {"count": 60, "firstAddress": 120}}
    graph, _ = graphs.run(LAB | {"workers": pools}, running=_running(*names))
    assert len(waits(graph, "worker-b-0") - waits(graph, "control-plane-0")) <= 6
    assert len(waits(graph, "worker-b-59")) <= 8
