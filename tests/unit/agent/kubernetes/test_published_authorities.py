"""What others are told of the authorities that a control plane trusts."""

import pytest

from agent.kubernetes import kubeconfig, published_authorities
from agent.kubernetes.control_plane_state import ControlPlaneState
from agent.machine import Failed
from agent.system.certificates import digests
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import CLUSTER_INFO, FakeApis, FakeEtcd, control_plane_settings, node_of
from tests.unit.agent.kubernetes.node_support import kubeconfig as made
from tests.unit.agent.kubernetes_server import KubernetesServer, status


class Case:
    """A control plane with its files."""

    def __init__(self, machine: FakeMachine, cluster: KubernetesServer) -> None:
        node_of(machine, cluster)
        self.etcd, self.admin = FakeEtcd(), FakeApis(machine, cluster).admin()
        self.state = ControlPlaneState(machine, control_plane_settings(cluster), self.etcd)
        self.state.install_pki()


@pytest.fixture
def case(machine: FakeMachine, cluster: KubernetesServer) -> Case:
    return Case(machine, cluster)


def test_etcd_knows_what_the_api_server_trusts(case: Case, cluster: KubernetesServer) -> None:
    published_authorities.record_in_etcd(case.state)
    digest = digests(cluster.ca.read_text())[0]
    assert case.etcd.keys_and_values == {"openstack-paas/authorities/api/a": f"{digest} {digest}".encode()}
    case.etcd.silent = 10**6
    with pytest.raises(Failed, match="etcd to say that it has recorded which authorities this API server trusts"):
        published_authorities.record_in_etcd(case.state)


def test_records_of_those_that_are_gone_go(case: Case, machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
    cluster.node("worker")
    for name in ("a", "old"):
        case.etcd.keys_and_values[f"openstack-paas/authorities/api/{name}"] = b"x"
    published_authorities.forget_gone(case.state, case.admin)
    assert list(case.etcd.keys_and_values) == ["openstack-paas/authorities/api/a"]
    assert "removed the record of old, which is gone" in machine.lines


def test_control_planes_that_cannot_be_listed_are_not_gone(case: Case, cluster: KubernetesServer) -> None:
    case.etcd.keys_and_values["openstack-paas/authorities/api/old"] = b"x"
    cluster.refuse("GET", "/api/v1/nodes", status(500, "no"))
    with pytest.raises(Failed, match="cannot list the nodes"):
        published_authorities.forget_gone(case.state, case.admin)
    assert case.etcd.keys_and_values


def test_the_cluster_publishes_what_is_trusted(case: Case, cluster: KubernetesServer) -> None:
    with pytest.raises(Failed, match="cannot read what the cluster publishes"):
        published_authorities.publish(case.state, case.admin)
    cluster.put(CLUSTER_INFO, {"metadata": {}, "data": {"kubeconfig": made("old", "10.0.0.1:6443")}})
    published_authorities.publish(case.state, case.admin)
    text = cluster.objects[CLUSTER_INFO]["data"]["kubeconfig"]
    assert kubeconfig.embeds(text, cluster.ca.read_text())
    assert text.endswith("  name: sample\n")
    cluster.asked.clear()
    published_authorities.publish(case.state, case.admin)
    assert cluster.changes == []


def test_a_cluster_that_does_not_take_it(case: Case, cluster: KubernetesServer) -> None:
    cluster.put(CLUSTER_INFO, {"metadata": {}, "data": {"kubeconfig": made("old", "10.0.0.1:6443")}})
    cluster.refuse("PATCH", CLUSTER_INFO, status(403, "may not"))
    with pytest.raises(Failed, match=r"does not publish the authorities \(configmap cluster-info.*may not"):
        published_authorities.publish(case.state, case.admin)
