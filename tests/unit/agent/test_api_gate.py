"""The gate opens when the cluster can be used, not when an API server is ready."""

from pathlib import Path

import pytest

from agent.kubernetes.api_gate import CLUSTER_INFO, ApiGate, wait_until_usable
from agent.machine import Failed
from agent.roles.gateway import COMMANDS
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer
from tests.unit.agent.openssl import authority


def test_the_gate_opens(machine: FakeMachine, cluster: KubernetesServer) -> None:
    machine.clock.after(2, lambda: cluster.put(CLUSTER_INFO, {"data": {}}))
    wait_until_usable(machine, ApiGate(cluster.endpoint, 900, cluster.ca.read_text()))
    assert machine.lines == [f"the API at https://{cluster.endpoint} is usable after 2 s"]
    assert {one.user for one in cluster.asked} == {""}
    assert machine.logged[0][0] == "api-gate"
    assert list(machine.path("/run").iterdir()) == []


@pytest.mark.usefixtures("few_looks")
def test_the_gate_stays_closed(machine: FakeMachine, cluster: KubernetesServer) -> None:
    with pytest.raises(
        Failed, match=r"waited 900 s for the API at https://.* to be usable; last seen: HTTP status 404"
    ):
        wait_until_usable(machine, ApiGate(cluster.endpoint, 900, cluster.ca.read_text()))


@pytest.mark.usefixtures("few_looks")
def test_the_api_of_another_cluster_is_not_the_one(
    machine: FakeMachine, cluster: KubernetesServer, tmp_path: Path
) -> None:
    cluster.put(CLUSTER_INFO, {"data": {}})
    other = authority(tmp_path, "other").read_text()
    with pytest.raises(Failed, match=r"last seen: no answer from .*certificate verify failed"):
        wait_until_usable(machine, ApiGate(cluster.endpoint, 30, other))


def test_it_keeps_no_other_run_from_the_gateway() -> None:
    assert not COMMANDS["gate"].alone
