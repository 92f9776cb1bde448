"""kube-proxy is pointed at its own machine: once, and again after kubeadm has written its configuration."""

import pytest

from agent.kubernetes.kube_proxy import ANNOTATION, point_kube_proxy
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer, status

CONFIGURATION = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
PODS = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"
LOCAL = "https://127.0.0.1:6443"


def kubeadm_writes(cluster: KubernetesServer) -> None:
    """As `kubeadm init` and `kubeadm upgrade` do, for clients outside."""
    kubeconfig = "clusters:\n- cluster:\n    server: https://192.0.2.5:6443\n  name: default\n"
    cluster.put(CONFIGURATION, {"data": {"config.conf": "mode: iptables", "kubeconfig.conf": kubeconfig}})
    template = {"metadata": {"labels": {"k8s-app": "kube-proxy"}}, "spec": {"hostNetwork": True}}
    cluster.put(PODS, {"spec": {"template": template}})


def point(machine: FakeMachine, cluster: KubernetesServer) -> list[str]:
    """What was changed."""
    cluster.asked.clear()
    point_kube_proxy(machine, cluster.api(machine.clock, "kubernetes-admin"), LOCAL)
    return [one.path for one in cluster.asked if one.method != "GET"]


def is_local(cluster: KubernetesServer) -> bool:
    pods = cluster.objects[PODS]["spec"]["template"]
    text = "clusters:\n- cluster:\n    server: https://127.0.0.1:6443\n  name: default\n"
    assert cluster.objects[CONFIGURATION]["data"] == {"config.conf": "mode: iptables", "kubeconfig.conf": text}
    assert pods["metadata"]["labels"] == {"k8s-app": "kube-proxy"}
    return bool(pods["metadata"]["annotations"] == {ANNOTATION: LOCAL})


def test_it_is_pointed_once_and_again_after_an_upgrade(machine: FakeMachine, cluster: KubernetesServer) -> None:
    for _ in range(2):
        kubeadm_writes(cluster)
        assert point(machine, cluster) == [CONFIGURATION, PODS]
        assert is_local(cluster)
        assert machine.lines.pop() == f"kube-proxy finds the API at {LOCAL}"
        assert point(machine, cluster) == []
        assert machine.lines == []


def test_a_run_that_was_interrupted_is_finished(machine: FakeMachine, cluster: KubernetesServer) -> None:
    kubeadm_writes(cluster)
    cluster.refuse("PATCH", PODS, status(403, "no"))
    with pytest.raises(Failed, match=r"cannot change the DaemonSet kube-proxy: HTTP status 403: no"):
        point(machine, cluster)
    cluster.hooks.clear()
    assert point(machine, cluster) == [PODS]
    assert is_local(cluster)


def test_a_cluster_without_it(machine: FakeMachine, cluster: KubernetesServer) -> None:
    assert point(machine, cluster) == []
    assert machine.lines == ["this cluster has no kube-proxy"]


@pytest.mark.usefixtures("few_looks")
@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", CONFIGURATION, r"cannot read the configuration of kube-proxy at 127.0.0.1:\d+: HTTP status 500"),
        ("PATCH", CONFIGURATION, "cannot change the configuration of kube-proxy: HTTP status 500"),
        ("GET", PODS, r"cannot read the DaemonSet kube-proxy at 127.0.0.1:\d+: HTTP status 500"),
    ],
)
def test_no_answer_is_not_the_same_as_none(
    machine: FakeMachine, cluster: KubernetesServer, method: str, path: str, says: str
) -> None:
    kubeadm_writes(cluster)
    cluster.refuse(method, path, status(500, "broken"))
    with pytest.raises(Failed, match=says):
        point(machine, cluster)
    assert machine.lines == []


def test_a_configuration_without_a_server(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.put(CONFIGURATION, {"data": {"config.conf": "mode: iptables"}})
    with pytest.raises(Failed, match=r"names no server \(kubeconfig.conf\)"):
        point(machine, cluster)
