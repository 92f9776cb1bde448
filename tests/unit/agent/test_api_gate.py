"""The gate opens when the cluster can be used, not when an API server is ready."""

import pytest

from agent.kubernetes.api_gate import CLUSTER_INFO, wait_until_usable
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer


def test_the_gate_opens(machine: FakeMachine, cluster: KubernetesServer) -> None:
    machine.clock.after(2, lambda: cluster.put(CLUSTER_INFO, {"data": {}}))
    wait_until_usable(machine, cluster.endpoint, cluster.ca, 900)
    assert machine.lines == [f"the API at https://{cluster.endpoint} is usable after 2 s"]
    assert {one.user for one in cluster.asked} == {""}


@pytest.mark.usefixtures("few_looks")
def test_the_gate_stays_closed(machine: FakeMachine, cluster: KubernetesServer) -> None:
    with pytest.raises(
        Failed, match=r"waited 900 s for the API at https://.* to be usable; last seen: HTTP status 404"
    ):
        wait_until_usable(machine, cluster.endpoint, cluster.ca, 900)
