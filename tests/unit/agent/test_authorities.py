"""Authorities change in stages: what a node refuses, alone and because of others, and which pods are replaced."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from agent.kubernetes.authorities import ANNOTATION, NodeAuthorities
from agent.kubernetes.drain import DrainSettings
from agent.kubernetes.node import Node
from agent.machine import Failed
from agent.system.certificates import digests
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import FakeApis, settings
from tests.unit.agent.kubernetes_server import KubernetesServer, status

ADMIN = "admin"
CA = "/etc/kubernetes/pki/ca.crt"


def authority(name: str) -> str:
    """What looks like a certificate; nobody here reads it."""
    body = base64.b64encode(name.encode() * 9).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


FIRST, SECOND = authority("first"), authority("second")
(ONE,), (TWO,) = digests(FIRST), digests(SECOND)


def authorities(
    machine: FakeMachine, cluster: KubernetesServer, wanted: str, admin: bool = False, had_joined: bool = True
) -> NodeAuthorities:
    own = replace(settings(cluster), authorities=wanted, generation="2", drain=DrainSettings(20))
    apis = FakeApis(machine, cluster)
    return NodeAuthorities(Node(machine, own, apis, had_joined), apis.admin if admin else None)


def record(cluster: KubernetesServer, node: str = "a") -> Any:
    return json.loads(cluster.objects[f"/api/v1/nodes/{node}"]["metadata"]["annotations"][ANNOTATION])


def put_node(cluster: KubernetesServer, name: str, control_plane: bool = False, **recorded: Any) -> None:
    cluster.node(name, annotations={ANNOTATION: json.dumps(recorded)} if recorded else {})
    if control_plane:
        cluster.objects[f"/api/v1/nodes/{name}"]["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = ""


def put_reader(cluster: KubernetesServer, name: str, start: str | None, volume: str = "token", **more: Any) -> None:
    """A pod that is given the authorities in the volume `token`."""
    pod = cluster.pod(name, **more)
    source = {"configMap": {"name": "kube-root-ca.crt"}}
    pod["spec"] |= {
        "volumes": [{"name": "token", "projected": {"sources": [{"serviceAccountToken": {}}, source]}}],
        "initContainers": [{"volumeMounts": [{"name": "token"}]}],
        "containers": [{"volumeMounts": [{"name": volume}]}],
    }
    pod["status"]["startTime"] = start


def publish(cluster: KubernetesServer, pem: str, time: str | None = "2026-11-21T11:00:00Z") -> None:
    fields = [
        {"time": time, "fieldsV1": {"f:data": {}}},
        {"time": "2026-11-21T13:00:00Z", "fieldsV1": {"f:metadata": {}}},
    ]
    metadata = {"managedFields": fields if time else []}
    cluster.put(
        "/api/v1/namespaces/default/configmaps/kube-root-ca.crt", {"data": {"ca.crt": pem}, "metadata": metadata}
    )


# What a stage needs before it begins.


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (FIRST, FIRST),
        # One more is trusted, whatever others say.
        (FIRST, FIRST + SECOND),
        # There is nothing yet.
        ("", SECOND),
    ],
)
def test_stages_that_ask_nobody(machine: FakeMachine, cluster: KubernetesServer, now: str, wanted: str) -> None:
    put_node(cluster, "b")
    machine.write(CA, now)
    authorities(machine, cluster, wanted, admin=True).guard_authorities()


def test_a_machine_without_authorities_asks_nobody(machine: FakeMachine, cluster: KubernetesServer) -> None:
    authorities(machine, cluster, SECOND, admin=True).guard_authorities()
    machine.write(CA, FIRST)
    authorities(machine, cluster, SECOND, admin=True, had_joined=False).guard_authorities()
    assert cluster.asked == []


@pytest.mark.parametrize(
    ("now", "wanted", "says"),
    [
        (FIRST, SECOND + FIRST, "authorities of generation 2"),
        (FIRST + SECOND, SECOND, "certificates.authorities.issuing"),
    ],
)
def test_a_skipped_stage_is_refused(
    machine: FakeMachine, cluster: KubernetesServer, now: str, wanted: str, says: str
) -> None:
    machine.write(CA, now)
    with pytest.raises(Failed, match=says):
        authorities(machine, cluster, wanted).guard_authorities()


def test_pods_of_all_nodes_know_who_is_to_issue(machine: FakeMachine, cluster: KubernetesServer) -> None:
    machine.write(CA, FIRST + SECOND)
    guard = authorities(machine, cluster, SECOND + FIRST, admin=True).guard_authorities
    put_node(cluster, "a", issuing=ONE, trusted=[ONE, TWO], pods=[ONE, TWO])
    lagging: list[dict[str, Any]] = [{}, {"issuing": ONE, "trusted": [ONE, TWO], "pods": [ONE]}]
    for one in lagging:
        put_node(cluster, "b", **one)
        with pytest.raises(
            Failed, match=r"not everything trusts the authorities of generation 2 yet, .* issue: b\. An"
        ):
            guard()
    cluster.objects["/api/v1/nodes/b"]["metadata"]["annotations"] = {ANNOTATION: "by hand"}
    with pytest.raises(Failed, match=r"issue: b\. An"):
        guard()
    put_node(cluster, "b", issuing=ONE, trusted=[ONE, TWO], pods=[ONE, TWO])
    guard()
    # Not as the node itself, which may not list others.
    assert {one.user for one in cluster.asked} == {ADMIN}
    # A worker looks at nobody else.
    put_node(cluster, "b")
    authorities(machine, cluster, SECOND + FIRST).guard_authorities()


def test_nobody_has_a_certificate_of_who_goes(machine: FakeMachine, cluster: KubernetesServer) -> None:
    machine.write(CA, SECOND + FIRST)
    guard = authorities(machine, cluster, SECOND, admin=True).guard_authorities
    issuing: list[dict[str, Any]] = [{}, {"issuing": ONE, "pods": [ONE, TWO]}]
    for one in issuing:
        put_node(cluster, "b", **one)
        with pytest.raises(Failed, match=r"certificates of authorities that are not to be trusted any more on: b\. An"):
            guard()
    put_node(cluster, "b", issuing=TWO, trusted=[TWO, ONE], pods=[ONE, TWO])
    guard()


@pytest.mark.usefixtures("few_looks")
def test_nodes_that_cannot_be_listed_are_not_ready_for_a_stage(machine: FakeMachine, cluster: KubernetesServer) -> None:
    machine.write(CA, FIRST + SECOND)
    cluster.refuse("GET", "/api/v1/nodes", status(500, "broken"))
    with pytest.raises(Failed, match=r"cannot list the nodes at .*: HTTP status 500: broken"):
        authorities(machine, cluster, SECOND + FIRST, admin=True).guard_authorities()


# Pods follow.


def test_only_pods_that_have_read_the_previous_ones_are_stale(machine: FakeMachine, cluster: KubernetesServer) -> None:
    publish(cluster, FIRST + SECOND)
    put_reader(cluster, "old", "2026-11-21T10:00:00Z")
    put_reader(cluster, "same-second", "2026-11-21T11:00:00Z")
    put_reader(cluster, "young", "2026-11-21T12:00:00Z")
    put_reader(cluster, "not-started", None, phase="Pending")
    put_reader(cluster, "elsewhere", "2026-11-21T10:00:00Z", node="b")
    put_reader(cluster, "without", "2026-11-21T10:00:00Z", volume="data")
    put_reader(cluster, "ending", "2026-11-21T10:00:00Z", deletionTimestamp="now")
    put_reader(cluster, "done", "2026-11-21T10:00:00Z", phase="Succeeded")
    put_reader(cluster, "of-the-machine", "2026-11-21T10:00:00Z", annotations={"kubernetes.io/config.mirror": "x"})
    plain = cluster.pod("plain")
    plain["spec"]["volumes"] = [{"name": "ca", "configMap": {"name": "kube-root-ca.crt"}}]
    plain["spec"]["containers"] = [{"volumeMounts": [{"name": "ca"}]}]
    plain["status"]["startTime"] = "2026-11-21T10:00:00Z"
    stale = authorities(machine, cluster, FIRST + SECOND).find_stale("a")
    assert [name for _, name, _ in stale] == ["not-started", "old", "plain", "same-second"]


def test_without_a_time_nobody_knows_what_a_pod_has_read(machine: FakeMachine, cluster: KubernetesServer) -> None:
    publish(cluster, FIRST, time=None)
    put_reader(cluster, "young", "2026-11-21T12:00:00Z")
    assert authorities(machine, cluster, FIRST).find_stale("a") == [("default", "young", "uid-young")]


@pytest.mark.usefixtures("few_looks")
def test_pods_are_not_restarted_before_the_cluster_publishes(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_node(cluster, "a", issuing=ONE, trusted=[ONE], pods=[ONE])
    put_reader(cluster, "old", "2026-11-21T10:00:00Z")
    follow = authorities(machine, cluster, FIRST + SECOND).follow_authorities
    with pytest.raises(
        Failed, match=r"waited 150 s for .* publish the authorities in default; last seen: HTTP status 404"
    ):
        follow()
    publish(cluster, FIRST)
    with pytest.raises(Failed, match=rf"kube-root-ca.crt of default has {ONE}, wanted {ONE} {TWO}"):
        follow()
    assert cluster.evicted == []
    # What the node has is recorded, what its pods know is as it was.
    assert record(cluster) == {"issuing": ONE, "trusted": [ONE, TWO], "pods": [ONE]}
    machine.clock.after(15, lambda: publish(cluster, FIRST + SECOND))
    follow()
    assert cluster.evicted == ["old"]
    assert record(cluster) == {"issuing": ONE, "trusted": [ONE, TWO], "pods": [ONE, TWO]}


def test_pods_restart_one_after_another_as_far_as_budgets_let_them(
    machine: FakeMachine, cluster: KubernetesServer
) -> None:
    put_node(cluster, "a")
    publish(cluster, FIRST + SECOND)
    put_reader(cluster, "one", "2026-11-21T10:00:00Z")
    put_reader(cluster, "two", "2026-11-21T10:00:00Z")
    cluster.budgets["one"] = 2
    cluster.lingering.add("two")
    machine.clock.after(3, lambda: cluster.objects.pop("/api/v1/namespaces/default/pods/two"))
    authorities(machine, cluster, FIRST + SECOND).follow_authorities()
    assert cluster.evicted == ["one", "one", "one", "two"]
    assert "pod default/one has read the previous authorities: restarting it" in machine.lines
    # Nothing is cordoned.
    assert cluster.objects["/api/v1/nodes/a"]["spec"] == {}


@pytest.mark.usefixtures("few_looks")
def test_a_pod_that_may_not_leave_is_named(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_node(cluster, "a", issuing=ONE, trusted=[ONE], pods=[ONE])
    publish(cluster, FIRST + SECOND)
    put_reader(cluster, "one", "2026-11-21T10:00:00Z")
    cluster.budgets["one"] = 1000
    with pytest.raises(Failed, match=r"waited 20 s for the pod default/one to leave; last seen: .*budget one needs 1"):
        authorities(machine, cluster, FIRST + SECOND).follow_authorities()
    assert record(cluster)["pods"] == [ONE]


@pytest.mark.usefixtures("few_looks")
def test_own_pods_are_ready_before_the_next_node(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_node(cluster, "a")
    publish(cluster, FIRST + SECOND)
    put_reader(cluster, "old", "2026-11-21T10:00:00Z")
    cluster.pod("proxy", "DaemonSet", ready="False")
    with pytest.raises(Failed, match=r"waited 180 s for the pods of the node a itself.*not ready: default/proxy"):
        authorities(machine, cluster, FIRST + SECOND).follow_authorities()


def test_a_node_that_is_new_trusts_one_authority_since_it_was_made(
    machine: FakeMachine, cluster: KubernetesServer
) -> None:
    put_node(cluster, "a")
    put_reader(cluster, "old", "2026-11-21T10:00:00Z")
    authorities(machine, cluster, FIRST).follow_authorities()
    assert cluster.evicted == []
    assert record(cluster) == {"issuing": ONE, "trusted": [ONE], "pods": [ONE]}
    assert authorities(machine, cluster, FIRST + SECOND).pods_lag()


def test_pods_that_know_more_than_is_wanted_stay(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_node(cluster, "a", issuing=TWO, trusted=[TWO, ONE], pods=[ONE, TWO])
    put_reader(cluster, "old", "2026-11-21T10:00:00Z")
    authorities(machine, cluster, SECOND).follow_authorities()
    assert cluster.evicted == []
    assert record(cluster) == {"issuing": TWO, "trusted": [TWO], "pods": [TWO]}


def test_the_last_control_plane_restarts_the_pods_of_all(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_node(cluster, "a", control_plane=True, issuing=ONE, trusted=[ONE], pods=[ONE])
    put_node(cluster, "b", control_plane=True, issuing=ONE, trusted=[ONE], pods=[ONE])
    put_node(cluster, "worker", issuing=ONE, trusted=[ONE], pods=[ONE])
    publish(cluster, FIRST + SECOND)
    for node in ("a", "b", "worker"):
        put_reader(cluster, f"on-{node}", "2026-11-21T10:00:00Z", node=node)
    follow = authorities(machine, cluster, FIRST + SECOND, admin=True).follow_together
    follow()
    assert machine.lines[-1] == "pods follow when all control planes trust the same; still to come: b"
    assert (cluster.evicted, record(cluster)["trusted"]) == ([], [ONE, TWO])
    put_node(cluster, "b", control_plane=True, issuing=ONE, trusted=[TWO, ONE], pods=[ONE], more="stays")
    follow()
    assert cluster.evicted == ["on-a", "on-b"]
    assert record(cluster, "a") == {"issuing": ONE, "trusted": [ONE, TWO], "pods": [ONE, TWO]}
    # Of another node's record only what its pods know changes.
    assert record(cluster, "b") == {"issuing": ONE, "trusted": [TWO, ONE], "pods": [ONE, TWO], "more": "stays"}
    assert {one.user for one in cluster.asked if "nodes/b" in one.path or one.path.endswith("%3Db")} == {ADMIN}
