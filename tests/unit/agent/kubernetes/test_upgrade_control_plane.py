"""Another version of Kubernetes on a control plane."""

import pytest

from agent.kubernetes.api_server import ApiServer
from agent.kubernetes.static_pods import READS, manifest_of
from agent.kubernetes.upgrade import Upgrade
from agent.kubernetes.upgrade_control_plane import DRY_RUN_LOG, ControlPlaneUpgrade
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import INIT, FakeApis, Recorded, called, failing_program, node_of
from tests.unit.agent.kubernetes.processes_support import begin
from tests.unit.agent.kubernetes_server import KubernetesServer

RECORD = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
APPLY = ("kubeadm", "upgrade", "apply", "v1.36.5", "--yes")


class Case:
    """A control plane with manifests of 1.36.4."""

    def __init__(
        self, machine: FakeMachine, cluster: KubernetesServer, recorded: str = "1.36.4", kubelet: str = "1.36.4"
    ) -> None:
        self.machine, self.done = machine, Recorded()
        node = node_of(machine, cluster, at_work=True)
        machine.state.mkdir(parents=True, exist_ok=True)
        self.upgrade = Upgrade(node, kubelet, self.done, self.done)
        address, _, port = cluster.endpoint.rpartition(":")
        server = ApiServer(machine, FakeApis(machine, cluster), address, int(port))
        self.mine = ControlPlaneUpgrade(self.upgrade, server, INIT)
        cluster.put(RECORD, {"metadata": {}, "data": {"ClusterConfiguration": f"kubernetesVersion: v{recorded}\n"}})
        self.write("1.36.4")
        machine.answer("kubeadm upgrade plan", "Upgrade to the latest\n[upgrade] hidden\n")
        machine.answer("kubeadm upgrade apply", self.apply)
        machine.answer("kubeadm upgrade node", self.apply)
        machine.clock.after(1, lambda: begin(machine, 41, "kube-apiserver", "--x"))

    def write(self, version: str) -> None:
        for part in READS:
            self.machine.write(manifest_of(part), f"spec:\n    image: registry.k8s.io/{part}:v{version}\n")

    def apply(self, call: tuple[str, ...], given: str) -> str:
        if "--dry-run" not in call:
            self.write("1.36.5")
        return (
            "[dryrun] Would perform action PATCH on configmaps\n[dryrun] other\n[upgrade/x] Static pods successfully\n"
        )


def test_the_first_one_changes_the_clusters_record(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster)
    case.mine.follow()
    assert [call for call in called(machine, *APPLY) if "--dry-run" not in call]
    assert not called(machine, "kubeadm", "upgrade", "node")
    assert case.done.done == [
        "download",
        "begin control plane 1.36.4 to 1.36.5",
        "download",
        "begin Kubernetes 1.36.4 to 1.36.5 drained",
        "change kubelet kubectl kubernetes-cni",
    ]
    assert "           | Upgrade to the latest" in machine.said
    assert "Would perform action PATCH" in machine.said
    assert "other" not in machine.said
    assert not case.upgrade.begun.exists()
    assert "successfully" in machine.path(DRY_RUN_LOG).read_text()
    machine.calls.clear()
    case.mine.follow()
    assert machine.calls == []


def test_those_that_follow_take_it_from_the_record(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster, recorded="1.36.5")
    case.mine.follow()
    assert called(machine, "kubeadm", "upgrade", "node")
    assert not called(machine, "kubeadm", "upgrade", "plan")
    assert not called(machine, *APPLY)


def test_an_upgrade_that_was_interrupted_is_completed(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster, recorded="1.36.5", kubelet="1.36.5")
    case.write("1.36.5")
    case.upgrade.begin()
    case.mine.follow()
    assert called(machine, "kubeadm", "upgrade", "node")
    assert not case.upgrade.begun.exists()


def test_a_machine_that_has_just_joined_has_the_version(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster)
    case.upgrade.node.at_work = False
    case.mine.follow()
    assert machine.calls == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("kubeadm config images pull", "can be pulled; nothing has been changed"),
        ("kubeadm upgrade plan", "kubeadm's plan objects: no"),
        ("kubeadm upgrade apply v1.36.5 --yes --dry-run", "kubeadm's dry run .* objects: no"),
    ],
)
def test_nothing_has_changed_when_something_objects(
    machine: FakeMachine, cluster: KubernetesServer, words: str, message: str
) -> None:
    case = Case(machine, cluster)
    machine.answer(words, failing_program("no"))
    with pytest.raises(Failed, match=message):
        case.mine.follow()
    assert case.done.done == ["download"]
    assert not case.upgrade.begun.exists()


def test_a_record_that_cannot_be_read(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster)
    cluster.put(RECORD, {"metadata": {}, "data": {}})
    with pytest.raises(Failed, match="cannot read the cluster's version"):
        case.mine.follow()
    del cluster.objects[RECORD]
    with pytest.raises(Failed, match=r"cannot read the cluster's version .*not found"):
        case.mine.follow()


def test_the_record_skips_no_version(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster, recorded="1.34.9")
    with pytest.raises(Failed, match="skips a minor version"):
        case.mine.follow()
    assert case.done.done == ["download"]


def test_manifests_that_kubeadm_put_back(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster)
    machine.answer("kubeadm upgrade apply", "")
    with pytest.raises(Failed, match=r"kubeadm has left manifests of another version than 1.36.5"):
        case.mine.follow()
    assert case.upgrade.begun.exists()
