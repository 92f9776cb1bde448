"""Commands that a control plane runs as the cluster's administrator: where they ask, and that nothing stays."""

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from agent import desired
from agent.kubernetes import cluster_commands
from agent.kubernetes.drain import DrainSettings
from agent.kubernetes.labels_and_taints import POOL, Group, LabelsAndTaints, group_of
from agent.kubernetes.leave import Departure
from agent.machine import Failed
from agent.roles import control_plane
from machines.kubernetes.api import LOCAL_ENDPOINT
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer, certificate, status

ADMIN = "/etc/kubernetes/admin.conf"
CONFIGURATION = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
PODS = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"
ROLE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
LOCAL = "https://127.0.0.1:6443"


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


@pytest.fixture(autouse=True)
def admin(machine: FakeMachine, cluster: KubernetesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is a control plane, whose API server does not answer; its kubeconfig leads to another."""
    both = certificate("kubernetes-admin")
    machine.write(
        ADMIN,
        "apiVersion: v1\nclusters:\n- cluster:\n"
        f"    certificate-authority-data: {encoded(cluster.ca)}\n    server: https://{cluster.endpoint}\n"
        "  name: kubernetes\nusers:\n- name: kubernetes-admin\n  user:\n"
        f"    client-certificate-data: {encoded(both.with_suffix('.crt'))}\n"
        f"    client-key-data: {encoded(both.with_suffix('.key'))}\n",
        0o600,
    )
    monkeypatch.setattr(cluster_commands, "LOCAL_API", "127.0.0.1:1")


def run(machine: FakeMachine, name: str, state: Any) -> None:
    """As it arrives: by way of JSON."""
    command = control_plane.COMMANDS[name]
    assert not command.alone
    assert not command.saved
    loaded = desired.load(command.state, json.dumps(dataclasses.asdict(state)))
    assert list(desired.secrets(loaded)) == []
    command.run(machine, loaded, {})
    assert list(machine.path("/run").glob("openstack-paas-*")) == []


def test_its_own_api_server_is_asked_first(
    machine: FakeMachine, cluster: KubernetesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = machine.path(ADMIN).read_text().replace(cluster.endpoint, "192.0.2.5:6443")
    machine.write(ADMIN, text)
    monkeypatch.setattr(cluster_commands, "LOCAL_API", cluster.endpoint)
    cluster.node("b")
    run(machine, "leave", Departure("b", 5))
    assert machine.lines[-1] == "the node b is gone"
    assert {one.user for one in cluster.asked if "/nodes/" in one.path} == {"kubernetes-admin"}


def test_another_where_it_is_away(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("b")
    with cluster_commands.administrator(machine) as api:
        assert api.endpoint == cluster.endpoint
        assert api.certificate
        assert api.certificate.stat().st_mode & 0o077 == 0
    assert "this machine's API server is not ready" in machine.said
    run(machine, "leave", Departure("b", 5))
    assert cluster.changes == ["PATCH nodes/b", "DELETE nodes/b"]


def test_the_local_endpoint_is_that_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert cluster_commands.LOCAL_API == LOCAL_ENDPOINT


def test_a_machine_that_is_no_control_plane(machine: FakeMachine, cluster: KubernetesServer) -> None:
    machine.path(ADMIN).unlink()
    with pytest.raises(Failed, match=r"admin.conf does not exist: a is not a control plane yet. Run `pulumi up"):
        run(machine, "leave", Departure("b", 5))
    machine.write(ADMIN, "clusters:\n- cluster:\n    server: https://x:1\n")
    with pytest.raises(Failed, match="has no certificate and key"):
        run(machine, "leave", Departure("b", 5))
    assert list(machine.path("/run").glob("openstack-paas-*")) == []
    assert cluster.changes == []


def test_kube_proxy(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.put(CONFIGURATION, {"data": {"kubeconfig.conf": "server: https://192.0.2.5:6443\n"}})
    cluster.put(PODS, {"spec": {"template": {"metadata": {}}}})
    run(machine, "kube-proxy", cluster_commands.KubeProxy(LOCAL, "1.36.5"))
    assert cluster.objects[CONFIGURATION]["data"]["kubeconfig.conf"] == f"server: {LOCAL}\n"


def put_node(cluster: KubernetesServer, name: str, pool: str = "", **spec: Any) -> Any:
    node = cluster.node(name, **spec)
    node["metadata"]["labels"] = {POOL: pool} if pool else {"node-role.kubernetes.io/control-plane": ""}
    return node


def groups(*taints: str, labels: tuple[str, ...] = ()) -> LabelsAndTaints:
    own = (
        Group("x-control-plane-", "", (), ("node-role.kubernetes.io/control-plane=:NoSchedule",)),
        Group("x-worker-a-", "a", (*labels, f"{POOL}=a"), taints),
        Group("x-worker-a-b-", "a-b", (f"{POOL}=a-b",), ()),
    )
    return LabelsAndTaints(own, True, DrainSettings(5))


def labels(cluster: KubernetesServer, name: str) -> Any:
    return cluster.objects[f"/api/v1/nodes/{name}"]["metadata"]["labels"]


def taints(cluster: KubernetesServer, name: str) -> Any:
    return cluster.objects[f"/api/v1/nodes/{name}"]["spec"].get("taints", [])


def test_nodes_follow_those_of_their_group(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_node(cluster, "x-control-plane-0", taints=[ROLE])
    put_node(cluster, "x-worker-a-0", "a")
    put_node(cluster, "x-worker-a-b-1", "a")
    put_node(cluster, "x-worker-a-b-2", "a-b")
    cluster.node("somebody-elses")
    run(machine, "nodes", groups("mine:NoSchedule", labels=("disk=ssd",)))
    assert taints(cluster, "x-control-plane-0") == [ROLE]
    for name in ("x-worker-a-0", "x-worker-a-b-1"):
        assert labels(cluster, name) == {"disk": "ssd", POOL: "a"}
        assert taints(cluster, name) == [{"key": "mine", "effect": "NoSchedule"}]
    assert labels(cluster, "x-worker-a-b-2") == {POOL: "a-b"}
    assert "PATCH nodes/somebody-elses" not in cluster.changes
    assert machine.lines[-1] == "labels and taints of 4 nodes are as wanted"
    # Again: nobody is touched.
    cluster.asked.clear()
    run(machine, "nodes", groups("mine:NoSchedule", labels=("disk=ssd",)))
    assert cluster.changes == []
    # What the platform gave before goes; what others gave stays.
    labels(cluster, "x-worker-a-0")["by-hand"] = "yes"
    run(machine, "nodes", groups())
    assert labels(cluster, "x-worker-a-0") == {POOL: "a", "by-hand": "yes"}
    assert taints(cluster, "x-worker-a-0") == []


def test_a_node_is_drained_before_a_taint_drives_its_pods_away(machine: FakeMachine, cluster: KubernetesServer) -> None:
    machine.answer("kubelet --version", "Kubernetes v1.36.5")
    for index in (0, 1):
        put_node(cluster, f"x-worker-a-{index}", "a")
        cluster.pod(f"web-{index}", node=f"x-worker-a-{index}")
    run(machine, "nodes", groups("away:NoExecute"))
    assert cluster.evicted == ["web-0", "web-1"]
    # The first takes pods again before the second is drained.
    patches = [one.body for one in cluster.asked if one.method == "PATCH" and "unschedulable" in str(one.body)]
    assert [one["spec"]["unschedulable"] for one in patches] == [True, None, True, None]
    for index in (0, 1):
        assert taints(cluster, f"x-worker-a-{index}") == [{"key": "away", "effect": "NoExecute"}]


def test_a_node_that_cannot_be_drained_keeps_what_it_has(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_node(cluster, "x-worker-a-0", "a")
    cluster.pod("web", node="x-worker-a-0")
    cluster.budgets["web"] = 1000
    with pytest.raises(Failed, match="is not free after 5 s"):
        run(machine, "nodes", groups("away:NoExecute"))
    assert taints(cluster, "x-worker-a-0") == []
    assert not cluster.objects["/api/v1/nodes/x-worker-a-0"]["spec"].get("unschedulable")


@pytest.mark.usefixtures("few_looks")
def test_an_api_that_lists_no_nodes(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.refuse("GET", "/api/v1/nodes", status(503, "away"))
    with pytest.raises(Failed, match=r"cannot list the nodes at .*: HTTP status 503: away"):
        run(machine, "nodes", groups())


def test_a_node_without_its_label_is_found_by_its_name() -> None:
    node = {"metadata": {"name": "x-worker-a-b-2"}}
    found = group_of(node, groups().groups)
    assert found is not None
    assert found.pool == "a-b"
