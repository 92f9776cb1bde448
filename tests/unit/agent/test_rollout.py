"""A change of a node: the annotation, what an interrupted run leaves, and the gate at the end."""

import json
from typing import Any

import pytest

from agent.kubernetes.drain import DrainSettings
from agent.kubernetes.rollout import ANNOTATION, Rollout, restart_kubelet
from agent.machine import Failed
from agent.programs import Ended
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer, status

NODE = "/api/v1/nodes/a"
SETTINGS = DrainSettings(20)


@pytest.fixture(autouse=True)
def kubelet(machine: FakeMachine) -> None:
    machine.answer("kubelet --version", "Kubernetes v1.36.5\n")


def rollout(machine: FakeMachine, cluster: KubernetesServer, **more: Any) -> Rollout:
    settings = more.pop("settings", SETTINGS)
    return Rollout(machine, cluster.api(machine.clock), "a", settings, **more)


def change(cluster: KubernetesServer) -> Any:
    text = cluster.objects[NODE]["metadata"]["annotations"].get(ANNOTATION)
    return json.loads(text) if text else None


def spec(cluster: KubernetesServer) -> Any:
    return cluster.objects[NODE]["spec"]


def test_a_change_from_begin_to_end(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    cluster.pod("web")
    cluster.pod("proxy", "DaemonSet")
    one = rollout(machine, cluster)
    one.begin("containerd 1 to 2", drained=True)
    assert change(cluster) == {"what": "containerd 1 to 2", "since": "2026-11-21T12:00:00Z", "cordoned": False}
    assert spec(cluster) == {"unschedulable": True}
    assert cluster.evicted == ["web"]
    # One more change: since when, and that nobody else had cordoned it, stay. Pods leave once.
    cluster.pod("web")
    one.begin("Kubernetes 1 to 2", drained=True)
    assert change(cluster) == {"what": "Kubernetes 1 to 2", "since": "2026-11-21T12:00:00Z", "cordoned": False}
    assert cluster.evicted == ["web"]
    one.end()
    assert change(cluster) is None
    assert spec(cluster) == {}
    assert machine.lines[-1] == "over: Kubernetes 1 to 2"
    assert not one.is_changing


def test_a_node_that_somebody_else_cordoned_stays_so(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a", unschedulable=True)
    one = rollout(machine, cluster)
    one.begin("one", drained=True)
    one.begin("two")
    assert change(cluster)["cordoned"] is True
    one.end()
    assert spec(cluster) == {"unschedulable": True}


def test_a_change_that_pods_survive(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    cluster.pod("web")
    rollout(machine, cluster).begin("configuration of the kubelet")
    assert (cluster.evicted, spec(cluster)) == ([], {})


def test_a_lone_node_keeps_its_pods(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    cluster.pod("web")
    rollout(machine, cluster, settings=None).begin("one", drained=True)
    assert (cluster.evicted, spec(cluster)) == ([], {})


def test_a_node_whose_pods_cannot_leave_goes_on(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    cluster.pod("alone", "")
    with pytest.raises(Failed, match=r"nothing would create these pods"):
        rollout(machine, cluster).begin("one", drained=True)
    assert (change(cluster), spec(cluster)) == (None, {})
    assert machine.lines[-1] == "the node takes pods again"


def test_a_run_that_is_stopped_meanwhile_gives_the_node_back(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a", unschedulable=True)
    cluster.pod("web")
    cluster.budgets["web"] = 1000

    def stop() -> None:
        raise Failed("stopped from outside")

    machine.clock.after(5, stop)
    with pytest.raises(Failed, match=r"stopped from outside"):
        rollout(machine, cluster).begin("one", drained=True)
    # Somebody else had cordoned it.
    assert (change(cluster), spec(cluster)) == (None, {"unschedulable": True})


def test_the_reason_stays_when_the_node_cannot_be_given_back(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    cluster.pod("alone", "")
    cluster.hooks.append(
        lambda asked: status(403, "no") if asked.method == "PATCH" and "None" in str(asked.body) else None
    )
    with pytest.raises(Failed, match=r"nothing would create these pods"):
        rollout(machine, cluster).begin("one", drained=True)
    assert machine.lines[-1].startswith("the node stays cordoned until the next run: cannot change the node a")
    # The next run finishes it.
    cluster.hooks.clear()
    rollout(machine, cluster).end()
    assert (change(cluster), spec(cluster)) == (None, {})


def test_a_control_plane_asks_the_others_once(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    asked: list[str] = []
    one = rollout(machine, cluster, others_serve=lambda: asked.append("others"))
    one.begin("one")
    one.begin("two")
    assert asked == ["others"]
    one.end()
    one.begin("three")
    assert asked == ["others", "others"]


def test_nothing_changes_when_no_other_serves(machine: FakeMachine, cluster: KubernetesServer) -> None:
    def refuse() -> None:
        raise Failed("no other API server is ready")

    cluster.node("a")
    with pytest.raises(Failed, match=r"no other API server"):
        rollout(machine, cluster, others_serve=refuse).begin("one", drained=True)
    assert cluster.changes == []


def test_nothing_to_end(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a", ready="False")
    rollout(machine, cluster).end()
    assert (cluster.changes, machine.lines) == ([], [])


@pytest.mark.usefixtures("few_looks")
def test_the_gate_waits_for_the_kubelet_that_is_installed(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    one = rollout(machine, cluster)
    one.begin("one", drained=True)
    machine.answer("kubelet --version", "Kubernetes v1.37.0\n")
    with pytest.raises(
        Failed, match=r"waited 180 s for the node a to be ready after the change \(one\); last seen: Ready is "
    ):
        one.end()
    assert spec(cluster) == {"unschedulable": True}
    cluster.node("a", "Unknown", cluster.objects[NODE]["metadata"]["annotations"], unschedulable=True)
    machine.answer("kubelet --version", "Kubernetes v1.36.5\n")
    with pytest.raises(Failed, match=r"last seen: Ready is Unknown, the kubelet v1.36.5"):
        one.end()


@pytest.mark.usefixtures("few_looks")
def test_the_gate_waits_for_the_nodes_own_pods_when_others_may_come(
    machine: FakeMachine, cluster: KubernetesServer
) -> None:
    cluster.node("a")
    one = rollout(machine, cluster)
    one.begin("one", drained=True)
    cluster.pod("proxy", "DaemonSet", ready="False")
    cluster.pod("kube-apiserver", "Node", ready="False")
    cluster.pod("web", ready="False")
    with pytest.raises(Failed, match=r"last seen: not ready: default/kube-apiserver, default/proxy$"):
        one.end()
    assert spec(cluster) == {}
    assert change(cluster)
    cluster.pod("proxy", "DaemonSet")
    cluster.pod("kube-apiserver", "Node")
    one.end()
    assert change(cluster) is None


def test_a_gate_that_gets_no_answer_looks_again(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    one = rollout(machine, cluster)
    one.begin("one")
    away = [status(503, "away")] * 3
    cluster.hooks.append(lambda asked: away.pop() if away and machine.clock.seconds >= 0.3 else None)
    machine.answer("kubelet --version", "Kubernetes v0\n")
    machine.clock.after(1, lambda: machine.answer("kubelet --version", "Kubernetes v1.36.5\n"))
    one.end()
    assert not away


@pytest.mark.parametrize("text", ["by hand", "[]"])
def test_an_annotation_of_somebody_else_is_not_overwritten(
    machine: FakeMachine, cluster: KubernetesServer, text: str
) -> None:
    cluster.node("a", annotations={ANNOTATION: text})
    one = rollout(machine, cluster)
    with pytest.raises(Failed, match=rf"kubectl annotate node a {ANNOTATION}-"):
        one.begin("one")
    with pytest.raises(Failed, match=rf"kubectl annotate node a {ANNOTATION}-"):
        one.end()
    assert cluster.changes == []


def test_a_node_that_the_api_does_not_know(machine: FakeMachine, cluster: KubernetesServer) -> None:
    with pytest.raises(Failed, match=r"cannot read the node a at .*: HTTP status 404"):
        rollout(machine, cluster).begin("one")


def test_a_kubelet_that_does_not_restart_is_for_the_probe(machine: FakeMachine) -> None:
    machine.answer("systemctl")
    restart_kubelet(machine)
    assert machine.lines == ["restarted kubelet.service"]
    assert machine.calls[-1] == ("systemctl", "restart", "kubelet.service")
    machine.answer("systemctl restart", Ended(1, errors="it does not start"))
    restart_kubelet(machine)
    assert machine.lines[-1] == "systemctl restart kubelet.service failed: it does not start"
