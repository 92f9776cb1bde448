"""What lies in the cluster, in the graph that the program registers: when it is asked, and what rolls out."""

from typing import Any

import pytest

from components.addons.release import local_digest
from components.password import revision
from tests.unit.components import graph as graphs
from tests.unit.components.graph import LAB, Graph
from tests.unit.components.test_graph import CONTROL_PLANES, WORKERS, reachable


@pytest.fixture(scope="module")
def lab() -> tuple[Graph, dict[str, Any]]:
    """The graph and the outputs of the lab's topology."""
    return graphs.run(LAB)


def test_the_cluster_is_asked_once_the_api_serves(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    provider = graph.of_type("pulumi:providers:kubernetes")["cluster"]
    assert "Command/api" in provider.dependencies
    assert provider.inputs["upsertExistingObjects"] == "true", "a killed `up` leaves what the next one cannot make"
    assert not reachable(graph, "kubernetes/cluster") & (CONTROL_PLANES | WORKERS)


def revision_of(graph: Graph) -> str:
    """What makes an upgrade of the database wait for other passwords."""
    release = graph.of_type("kubernetes:helm.sh/v3:Release")["mariadb"]
    return str(release.inputs["values"]["auth"]["revision"])


def test_the_database_waits_for_other_passwords_whatever_the_cluster_says_of_the_secret(
    lab: tuple[Graph, dict[str, Any]],
) -> None:
    graph, _ = lab
    given = graph.of_type("kubernetes:core/v1:Secret")["mariadb-passwords"].inputs["stringData"]
    passwords = [given["root-password"], given["replication-password"]]
    assert revision_of(graph) == revision(passwords, "lab/database/mariadb-passwords")
    assert "values" in graph.of_type("kubernetes:helm.sh/v3:Release")["mariadb"].secret_inputs
    # One resource fewer before the Secret: the cluster's version of it is another one.
    fewer, _ = graphs.run({**LAB, "etcd": {"count": 1}})
    assert revision_of(fewer) == revision_of(graph)
    other, _ = graphs.run({**LAB, "database": {**LAB["database"], "passwordEpoch": "2"}})
    assert revision_of(other) != revision_of(graph)


def test_a_chart_of_the_program_is_among_the_inputs_of_its_release(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    releases = graph.of_type("kubernetes:helm.sh/v3:Release")
    assert releases["mariadb"].inputs["values"]["global"] == {"chartDigest": local_digest("charts/mariadb")}
    for name in ("flannel", "local-path"):
        assert "global" not in releases[name].inputs["values"]


def test_only_releases_wait_for_the_nodes(lab: tuple[Graph, dict[str, Any]]) -> None:
    """Namespaces and secrets are there when the nodes are: seconds less on the critical path of an `up`."""
    graph, _ = lab
    for kind in ("Namespace", "Secret"):
        for name, resource in graph.of_type(f"kubernetes:core/v1:{kind}").items():
            assert not reachable(graph, f"{kind}/{name}") & (CONTROL_PLANES | WORKERS), name
            assert all(not one.startswith("Release/") for one in resource.dependencies), name
    for name in ("local-path", "mariadb"):
        assert reachable(graph, f"Release/{name}") >= WORKERS
