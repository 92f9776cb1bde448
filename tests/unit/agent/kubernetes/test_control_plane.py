"""A control plane: it initialises the cluster or joins it, and serves."""

import pytest

from agent.kubernetes.api_server import MANIFEST
from agent.kubernetes.control_plane import ControlPlane
from agent.kubernetes.control_plane_certificates import LEAVES
from agent.kubernetes.node import KUBELET_KUBECONFIG
from agent.kubernetes.static_pods import READS, manifest_of
from agent.kubernetes.upgrade import Plan
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import (
    CLUSTER_INFO,
    FakeApis,
    FakeEtcd,
    Recorded,
    called,
    control_plane_settings,
    failing_program,
    give_identity,
    kubeconfig,
    node_of,
)
from tests.unit.agent.kubernetes_server import KubernetesServer, certificate, status

CONFIGURATION = "/registry/configmaps/kube-system/kubeadm-config"


class Case:
    """A control plane and its etcd, which has a cluster."""

    def __init__(self, machine: FakeMachine, cluster: KubernetesServer, at_work: bool = False) -> None:
        self.machine, self.cluster, self.etcd, self.recorded = machine, cluster, FakeEtcd(), Recorded()
        self.etcd.keys_and_values[CONFIGURATION] = b"x"
        node_of(machine, cluster)
        machine.state.mkdir(parents=True, exist_ok=True)
        machine.answer("kubectl")
        plan = Plan(True, "1.36.5") if at_work else Plan()
        wanted = control_plane_settings(cluster)
        self.recorded.machine = machine
        self.mine = ControlPlane(self.recorded, wanted, plan, FakeApis(machine, cluster), self.etcd)
        cluster.put(CLUSTER_INFO, {"metadata": {}})

    @property
    def kubeadm(self) -> list[str]:
        """What kubeadm was called for, without what it is told of files."""
        words = [[word for word in call[1:] if word[0] not in "-/"] for call in called(self.machine, "kubeadm")]
        return [" ".join(each) for each in words if each[0] != "config"]


@pytest.fixture
def case(machine: FakeMachine, cluster: KubernetesServer) -> Case:
    return Case(machine, cluster)


def test_the_steps_and_their_order(case: Case) -> None:
    assert [name for name, _ in case.mine.steps()] == [
        "epoch", "unused services", "firewall", "containerd", "repair", "authorities", "certificates",
        "etcd", "node", "runtime", "upgrade", "API", "etcd's members", "own certificates", "rights",
        "registration", "gate",
    ]  # fmt: skip


def test_the_images_come_meanwhile(case: Case) -> None:
    case.machine.answer("kubeadm config images pull", failing_program("failed to pull image x"))
    case.mine.prepare()
    case.mine.finish_pulling()
    assert called(case.machine, "kubeadm", "config", "validate")
    assert "not all images could be pulled: failed to pull image x" in case.machine.lines


def test_one_more_control_plane_joins(case: Case) -> None:
    case.mine.prepare()
    case.mine.become_control_plane()
    assert case.etcd.held == ["openstack-paas/init"]
    assert case.kubeadm == ["join"]
    assert (case.machine.state / "joined").exists()


def test_the_first_one_does_not_join(case: Case) -> None:
    case.etcd.keys_and_values.clear()
    case.cluster.refuse("GET", "/api/v1/namespaces/kube-system", status(404, "none"))
    case.mine.become_control_plane()
    assert case.kubeadm == ["init"]


def test_a_join_that_was_interrupted_is_finished(case: Case) -> None:
    give_identity(case.machine)
    case.cluster.node("a")
    case.mine.become_control_plane()
    assert case.kubeadm == ["join phase control-plane-prepare all", "join phase control-plane-join all"]
    assert case.machine.path("/opt/openstack-paas/control-plane/bootstrap.conf").exists()


def test_one_that_is_complete_does_nothing(case: Case) -> None:
    give_identity(case.machine)
    case.machine.write("/var/lib/openstack-paas/joined", "")
    case.machine.write(MANIFEST, "kind: Pod\n")
    case.mine.prepare()
    case.mine.become_control_plane()
    assert (case.kubeadm, case.etcd.held) == ([], [])
    assert "already a control plane of the cluster" in case.machine.lines


def test_a_manifest_that_a_power_cut_left_empty(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster, at_work=True)
    give_identity(machine)
    machine.write("/var/lib/openstack-paas/joined", "")
    machine.write(MANIFEST, "")
    case.mine.become_control_plane()
    assert case.kubeadm == ["init phase control-plane all"]
    assert (machine.state / "joined").exists()


def test_a_mark_of_an_earlier_life_says_nothing(case: Case) -> None:
    """The shell neither initialises nor joins here."""
    case.machine.write("/var/lib/openstack-paas/joined", "")
    case.machine.write(KUBELET_KUBECONFIG, "")
    case.mine.become_control_plane()
    assert case.kubeadm == ["reset unix:///run/containerd/containerd.sock", "join"]


def test_an_api_that_does_not_answer_is_not_joined(case: Case) -> None:
    case.cluster.objects.pop(CLUSTER_INFO)
    with pytest.raises(
        Failed, match=r"waited 300 s for the API at .* \(the virtual address\) to answer and let nodes join"
    ):
        case.mine.become_control_plane()
    assert case.kubeadm == []


def test_it_serves_by_its_own_api_server(case: Case) -> None:
    give_identity(case.machine)
    case.mine.node.write_bootstrap()
    with pytest.raises(Failed, match="the node a to be registered"):
        case.mine.serve()
    case.cluster.node("a")
    case.mine.serve()
    assert not case.machine.path("/opt/openstack-paas/control-plane/bootstrap.key").exists()
    case.cluster.refuse("GET", "/readyz", status(500, "no"))
    with pytest.raises(Failed, match="waited 240 s for this machine's own API server to be ready"):
        case.mine.serve()


def test_the_platforms_own_objects(case: Case) -> None:
    given: list[str] = []
    case.machine.answer("kubectl", lambda call, text: given.append(text))
    case.mine.put_objects()
    assert given == ["kind: ClusterRole\n\n---\nkind: PodDisruptionBudget\n"]
    assert called(case.machine, "kubectl")[0][-7:] == (
        "apply", "--server-side", "--force-conflicts", "--field-manager", "openstack-paas", "--filename", "-",
    )  # fmt: skip
    case.machine.answer("kubectl", failing_program("connection refused"))
    with pytest.raises(Failed, match="the API to take the platform's own objects; last seen: connection refused"):
        case.mine.put_objects()


def test_changes_begin_only_while_others_serve(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster, at_work=True)
    for name in ("a", "b"):
        node = cluster.node(name)
        node["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
        node["status"]["addresses"] = [{"type": "InternalIP", "address": "127.0.0.1"}]
    cluster.refuse("GET", "/readyz", status(500, "no"))
    case.recorded.waits = "runc 1.2"
    with pytest.raises(Failed, match=r"no other API server is ready \(b\)"):
        case.mine.change_runtime()
    assert case.recorded.done == ["fetch"]
    assert cluster.changes == []


def test_everything_that_has_an_end(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster, at_work=True)
    ca = cluster.ca.read_text()
    give_identity(machine)
    machine.write(KUBELET_KUBECONFIG, kubeconfig("an old authority", cluster.endpoint))
    for name in LEAVES:
        both = certificate(name, "IP:127.0.0.1").read_text()
        machine.write(f"/etc/kubernetes/pki/{name}.crt", both)
        machine.write(f"/etc/kubernetes/pki/{name}.key", both)
    for name in ("admin", "controller-manager", "scheduler"):
        machine.write(f"/etc/kubernetes/{name}.conf", kubeconfig(ca, cluster.endpoint, name))
    signing = "    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt\n"
    for part in READS:
        machine.write(manifest_of(part), f"  labels:\n    component: {part}\n{signing}")
    cluster.node("a")["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
    cluster.put(CLUSTER_INFO, {"metadata": {}, "data": {"kubeconfig": kubeconfig("old", "10.0.0.1:6443")}})
    case.mine.repair()
    case.mine.guard()
    case.mine.prepare()
    case.mine.renew()
    assert case.kubeadm == []
    assert list(case.etcd.keys_and_values) == [CONFIGURATION, "openstack-paas/authorities/api/a"]
    assert "the cluster publishes what is trusted now" in machine.lines
    assert len(called(machine, "systemctl", "restart", "kubelet.service")) == 1
    assert "openstack-paas/authorities" in cluster.objects["/api/v1/nodes/a"]["metadata"]["annotations"]
    cluster.asked.clear()
    machine.calls.clear()
    case.mine.renew()
    assert not called(machine, "systemctl", "restart")


def test_labels_and_the_kubelets_configuration_are_an_administrators(case: Case) -> None:
    case.cluster.node("a")
    case.machine.write("/var/lib/kubelet/kubeadm-flags.env", 'KUBELET_KUBEADM_ARGS="--node-ip=127.0.0.1"\n')
    case.mine.register()
    assert case.kubeadm == []
    assert (case.machine.state / "applied/kubelet-configuration").exists()
