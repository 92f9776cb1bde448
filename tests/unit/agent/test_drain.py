"""Pods leave a node by eviction: those without claims first, budgets are honoured, and what holds them is named."""

import pytest

from agent.kubernetes.drain import DrainSettings, NotDrained, cordon, drain, evict, uncordon
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer, status

SETTINGS = DrainSettings(20)
FOR_GOOD = DrainSettings(20, for_good=True)


def remaining(cluster: KubernetesServer) -> set[str]:
    return {path.rpartition("/")[2] for path in cluster.objects if "/pods/" in path}


def test_pods_with_claims_go_last_and_others_stay(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.pod("database", "StatefulSet", claim="data")
    cluster.pod("web-1")
    cluster.pod("web-2")
    cluster.pod("proxy", "DaemonSet")
    cluster.pod("kube-apiserver", "Node", annotations={"kubernetes.io/config.mirror": "x"})
    cluster.pod("done", "Job", phase="Succeeded")
    cluster.pod("failed", "Job", phase="Failed")
    cluster.pod("elsewhere", node="b")
    drain(machine, cluster.api(machine.clock), "a", SETTINGS)
    assert cluster.evicted == ["web-1", "web-2", "database"]
    assert remaining(cluster) == {"proxy", "kube-apiserver", "done", "failed", "elsewhere"}
    assert machine.lines == ["3 pods have to leave", "free of pods after 2 s"]


def test_a_pod_with_a_claim_waits_until_the_others_are_gone(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.pod("database", claim="data")
    cluster.pod("web")
    cluster.lingering.add("web")
    machine.clock.after(5, lambda: cluster.objects.pop("/api/v1/namespaces/default/pods/web"))
    seen: list[float] = []
    cluster.hooks.append(
        lambda asked: seen.append(machine.clock.seconds) if "database/eviction" in asked.path else None
    )
    drain(machine, cluster.api(machine.clock), "a", SETTINGS)
    assert seen == [5]
    # One that is ending already is not asked again.
    assert cluster.evicted == ["web", "database"]


def test_a_budget_is_waited_for(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.pod("web")
    cluster.budgets["web"] = 13
    drain(machine, cluster.api(machine.clock), "a", SETTINGS)
    assert cluster.evicted == ["web"] * 14
    assert machine.lines[1].startswith("waiting for default/web to leave (10 s); refused: default/web: HTTP status 429")


def test_a_budget_is_not_waited_for_longer_than_the_limit(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.pod("web")
    cluster.budgets["web"] = 1000
    with pytest.raises(NotDrained) as refused:
        drain(machine, cluster.api(machine.clock), "a", SETTINGS)
    assert str(refused.value) == (
        "the node a is not free after 20 s: default/web did not leave. The last refusal: default/web: HTTP status 429: "
        "Cannot evict pod. The disruption budget web needs 1 healthy pod. Repair or scale up what the budget protects, "
        "or raise rollout.drainSeconds; then run this again"
    )
    assert machine.clock.seconds == 20
    with pytest.raises(NotDrained, match=r"what the budget protects; then run this again"):
        drain(machine, cluster.api(machine.clock), "a", FOR_GOOD)


def test_a_pod_that_does_not_end_is_named(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.pod("web", deletionTimestamp="now")
    with pytest.raises(NotDrained, match=r"default/web did not leave. Repair"):
        drain(machine, cluster.api(machine.clock), "a", SETTINGS)
    assert cluster.evicted == []


def test_pods_that_nothing_would_create_again_stay(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.pod("alone", "")
    cluster.pod("web")
    api = cluster.api(machine.clock)
    with pytest.raises(
        NotDrained, match=r"again: default/alone\. Delete them, or set rollout\.barePods to delete, and"
    ):
        drain(machine, api, "a", SETTINGS)
    with pytest.raises(NotDrained, match=r"again: default/alone. Delete them and run this again"):
        drain(machine, api, "a", FOR_GOOD)
    assert cluster.evicted == []
    drain(machine, api, "a", DrainSettings(20, "delete"))
    assert cluster.evicted == ["alone", "web"]


def test_a_pod_that_has_left_or_come_back_is_no_refusal(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.pod("web")
    api = cluster.api(machine.clock)
    assert evict(api, "default", "gone", "uid-gone") == ""
    assert evict(api, "default", "web", "uid-of-another") == ""
    assert "/api/v1/namespaces/default/pods/web" in cluster.objects


@pytest.mark.usefixtures("few_looks")
def test_pods_that_cannot_be_listed_are_not_gone(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.refuse("GET", "/api/v1/pods", status(500, "broken"))
    with pytest.raises(NotDrained, match=r"cannot list the pods of the node a: HTTP status 500: broken"):
        drain(machine, cluster.api(machine.clock), "a", SETTINGS)


def test_a_node_is_cordoned(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    api = cluster.api(machine.clock)
    cordon(api, "a")
    assert cluster.objects["/api/v1/nodes/a"]["spec"] == {"unschedulable": True}
    uncordon(api, "a")
    assert cluster.objects["/api/v1/nodes/a"]["spec"] == {}
    with pytest.raises(Failed, match=r"cannot change the node b: HTTP status 404"):
        cordon(api, "b")
