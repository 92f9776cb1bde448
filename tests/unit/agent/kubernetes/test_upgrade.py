"""Another version of Kubernetes on a node."""

import pytest

from agent.kubernetes.containerd import PACKAGES
from agent.kubernetes.node import KUBELET_KUBECONFIG, joined_mark
from agent.kubernetes.upgrade import KUBELET_PACKAGES, Plan, Upgrade, plan_version, refuse_kubernetes_jump
from agent.machine import Failed
from agent.programs import NOT_FOUND, Ended
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import Recorded, called, node_of
from tests.unit.agent.kubernetes_server import KubernetesServer


def joined(machine: FakeMachine) -> None:
    machine.write("/var/lib/openstack-paas/joined", "")
    machine.write(KUBELET_KUBECONFIG, "kind: Config\n")
    assert joined_mark(machine).exists()


def test_kubernetes_goes_up_by_one_minor_version() -> None:
    refuse_kubernetes_jump("1.35.10", "1.36.2")
    refuse_kubernetes_jump("1.36.2", "1.36.10")
    with pytest.raises(Failed, match=r"does not go back. Set kubernetes.version to 1.36.10"):
        refuse_kubernetes_jump("1.36.10", "1.36.9")
    with pytest.raises(Failed, match=r"skips a minor version. Bring up 1.35 first"):
        refuse_kubernetes_jump("1.34.1", "1.36.0")


def test_packages_of_a_node_that_runs_wait(machine: FakeMachine) -> None:
    assert plan_version(machine, "1.36.5") == Plan()
    joined(machine)

    def has(version: str) -> Plan:
        row = f"kubelet\tinstalled\thold\t{version}-1.1\n"
        machine.answer("dpkg-query", row if version else Ended(1, errors="no packages found matching kubelet"))
        return plan_version(machine, "1.36.5")

    assert has("1.36.5") == Plan(True, "1.36.5", PACKAGES)
    assert has("1.36.4") == Plan(True, "1.36.4", (*PACKAGES, *KUBELET_PACKAGES))
    assert has("") == Plan(True, "", PACKAGES)
    with pytest.raises(Failed, match="skips a minor version"):
        has("1.34.4")


def upgrade(machine: FakeMachine, cluster: KubernetesServer, kubelet: str) -> tuple[Upgrade, Recorded]:
    recorded = Recorded()
    machine.state.mkdir(parents=True, exist_ok=True)
    return Upgrade(node_of(machine, cluster, at_work=True), kubelet, recorded, recorded), recorded


def test_a_worker_changes_while_no_pod_is_here(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine, recorded = upgrade(machine, cluster, "1.36.4")
    mine.upgrade_worker()
    assert recorded.done == [
        "download",
        "begin Kubernetes 1.36.4 to 1.36.5 drained",
        "change kubelet kubectl kubernetes-cni",
    ]
    assert called(machine, "kubeadm", "upgrade", "node")
    assert called(machine, "systemctl", "restart", "kubelet.service")
    assert not mine.begun.exists()
    assert not mine.changes_kubelet()
    machine.calls.clear()
    mine.upgrade_worker()
    assert machine.calls == []


def test_an_upgrade_that_was_interrupted_is_completed(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine, recorded = upgrade(machine, cluster, "1.36.5")
    mine.begin()
    mine.upgrade_worker()
    assert recorded.done == ["download"]
    assert called(machine, "kubeadm", "upgrade", "node")
    assert not mine.begun.exists()


def test_one_that_fails_is_begun_still(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine, recorded = upgrade(machine, cluster, "1.36.4")
    machine.answer("kubeadm upgrade node", NOT_FOUND)
    with pytest.raises(Failed, match="kubeadm upgrade node failed"):
        mine.upgrade_worker()
    assert mine.begun.exists()
    assert recorded.done == ["download"]
