"""A node leaves: drained where its machine answers, removed at once where that is lost, never where data would go."""

import fcntl
import os
from typing import Any

import pytest

from agent.kubernetes.leave import VOLUMES, Departure, leave
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer, Reply, Request, status

NODE = "/api/v1/nodes/a"
CORDONED, EVICTED, REMOVED = "PATCH nodes/a", "POST namespaces/default/pods/web/eviction", "DELETE nodes/a"


def put_claim(cluster: KubernetesServer, uid: str, **more: Any) -> None:
    path = f"/api/v1/namespaces/database/persistentvolumeclaims/data-{uid}"
    cluster.put(path, {"metadata": {"name": f"data-{uid}", "uid": uid} | more})


def put_volume(cluster: KubernetesServer, uid: str, node: str = "a", **more: Any) -> Any:
    """A volume that can only be used on one node."""
    host = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    terms = more.pop("terms", [{"matchExpressions": [host]}])
    spec = {
        "persistentVolumeReclaimPolicy": more.pop("policy", "Delete"),
        "claimRef": {"namespace": "database", "name": f"data-{uid}", "uid": uid},
        "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
    }
    volume = {"metadata": {"name": f"pv-{uid}"}, "spec": spec, "status": {"phase": more.pop("phase", "Bound")}}
    return cluster.put(f"/api/v1/persistentvolumes/pv-{uid}", volume)


@pytest.fixture(autouse=True)
def node(cluster: KubernetesServer) -> None:
    cluster.node("a")
    cluster.pod("web")


def go(machine: FakeMachine, cluster: KubernetesServer, **more: Any) -> list[str]:
    """What was changed."""
    cluster.asked.clear()
    departure = Departure("a", more.pop("seconds", 5), data=more.pop("data", ""))
    leave(machine, cluster.api(machine.clock, "kubernetes-admin"), departure)
    return cluster.changes


def refused(machine: FakeMachine, cluster: KubernetesServer, **more: Any) -> str:
    with pytest.raises(Failed) as failure:
        go(machine, cluster, **more)
    return str(failure.value)


def test_a_node_whose_machine_answers(machine: FakeMachine, cluster: KubernetesServer) -> None:
    assert go(machine, cluster) == [CORDONED, EVICTED, REMOVED]
    assert machine.lines[-1] == "the node a is gone"
    assert go(machine, cluster) == []
    assert machine.lines[-1] == "the cluster has no node a"


def test_a_lost_machine_is_not_waited_for(machine: FakeMachine, cluster: KubernetesServer) -> None:
    for ready in ("Unknown", "False"):
        cluster.node("a", ready)
        assert go(machine, cluster) == [REMOVED]
    cluster.node("a")
    cluster.objects[NODE]["status"] = {}
    assert go(machine, cluster) == [REMOVED]


def test_volumes_that_hold_nothing_up(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_claim(cluster, "1")
    put_claim(cluster, "2", deletionTimestamp="now")
    put_volume(cluster, "1", node="b")
    # A claim that was given up, one that is gone, and a volume whose data nobody keeps.
    put_volume(cluster, "2")
    put_volume(cluster, "3")
    put_volume(cluster, "4", policy="Retain", phase="Available")
    # It may be used elsewhere too.
    put_claim(cluster, "5")
    hosts = [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a", "b"]}]
    put_volume(cluster, "5", terms=[{"matchExpressions": hosts}])
    put_claim(cluster, "6")
    put_volume(cluster, "6", terms=[])
    put_claim(cluster, "7")
    put_volume(cluster, "7", terms=[{"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["a"]}]}])
    cluster.put("/api/v1/persistentvolumes/nfs", {"spec": {}})
    assert go(machine, cluster) == [CORDONED, EVICTED, REMOVED]


def test_data_holds_the_machine(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_claim(cluster, "1")
    put_volume(cluster, "1")
    put_volume(cluster, "4", policy="Retain", phase="Released")
    put_claim(cluster, "5")
    put_volume(cluster, "5", terms=[{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a"]}]}])
    listed = "database/data-1 (volume pv-1), database/data-4 (volume pv-4), database/data-5 (volume pv-5)"
    # Nothing is touched, not even by a cordon; a lost machine, and one whose node is gone, have it all the same.
    for state in ("True", "Unknown", "gone"):
        cluster.node("a", state)
        if state == "gone":
            del cluster.objects[NODE]
        said = refused(machine, cluster)
        assert said.startswith(f"the disk of a holds data that is nowhere else: {listed}. The machine stays as it is.")
        assert f"kubectl annotate node a {VOLUMES}=lose" in said
        assert cluster.changes == []


def test_data_that_may_be_lost(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_claim(cluster, "1")
    put_volume(cluster, "1")
    cluster.node("a", annotations={VOLUMES: "lose"})
    assert go(machine, cluster) == [CORDONED, EVICTED, REMOVED]
    assert (
        f"going on though data is lost, as {VOLUMES}=lose on the node says: database/data-1 (volume pv-1)"
        in machine.said
    )


@pytest.mark.parametrize(("data", "says"), [("lose", "data is lost, as rollout.loseVolumes says"), ("kept", "")])
def test_a_machine_that_is_replaced(machine: FakeMachine, cluster: KubernetesServer, data: str, says: str) -> None:
    put_claim(cluster, "1")
    put_volume(cluster, "1")
    assert go(machine, cluster, data=data) == [CORDONED, EVICTED, REMOVED]
    assert says in machine.said
    if data == "kept":
        assert "data is lost" not in machine.said


def test_another_word_does_not_give_data_up(machine: FakeMachine, cluster: KubernetesServer) -> None:
    put_claim(cluster, "1")
    put_volume(cluster, "1")
    cluster.node("a", annotations={VOLUMES: "LOSE"})
    assert "holds data" in refused(machine, cluster, data="loose")


def test_a_volume_that_came_in_the_same_moment(machine: FakeMachine, cluster: KubernetesServer) -> None:
    def arrive(asked: Request) -> Reply | None:
        if asked.path.endswith("/eviction"):
            put_claim(cluster, "1")
            put_volume(cluster, "1")
        return None

    cluster.hooks.append(arrive)
    assert "holds data that is nowhere else: database/data-1" in refused(machine, cluster)
    assert cluster.changes == [CORDONED, EVICTED]


@pytest.mark.parametrize("kind", ["persistentvolumes", "persistentvolumeclaims"])
def test_volumes_that_nobody_can_list_are_not_absent(
    machine: FakeMachine, cluster: KubernetesServer, kind: str
) -> None:
    cluster.refuse("GET", f"/api/v1/{kind}", status(404, "no such thing"))
    assert "knows no volumes or claims: a may hold data" in refused(machine, cluster)
    assert cluster.changes == []


def test_a_budget_holds_the_node_and_the_next_run_goes_on(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.budgets["web"] = 1000
    said = refused(machine, cluster)
    assert "default/web: HTTP status 429: Cannot evict pod. The disruption budget web needs 1" in said
    assert "The machine stays, cordoned (kubectl uncordon a takes that back), and the next `up` goes on" in said
    # The stack file does not reach a machine that is not in it.
    assert "rollout." not in said
    assert REMOVED not in cluster.changes
    cluster.budgets.clear()
    assert go(machine, cluster) == [CORDONED, EVICTED, REMOVED]


def test_a_pod_that_nothing_would_create_again_holds_the_node(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.pod("alone", "")
    said = refused(machine, cluster)
    assert "nothing would create these pods of the node a again: default/alone" in said
    assert cluster.changes == [CORDONED]


def test_a_machine_that_is_lost_while_it_is_waited_for(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.budgets["web"] = 1000
    machine.clock.after(3, lambda: cluster.node("a", "Unknown"))
    assert go(machine, cluster)[-1] == REMOVED
    assert "the machine has been lost meanwhile" in machine.lines


def test_a_run_that_is_stopped_removes_nothing(machine: FakeMachine, cluster: KubernetesServer) -> None:
    def stop() -> None:
        cluster.node("a", "Unknown")
        raise Failed("stopped from outside")

    cluster.budgets["web"] = 1000
    machine.clock.after(3, stop)
    assert refused(machine, cluster) == "stopped from outside"
    assert REMOVED not in cluster.changes


@pytest.mark.usefixtures("few_looks")
def test_nodes_leave_one_after_another(machine: FakeMachine, cluster: KubernetesServer) -> None:
    lock = machine.write(f"/run/lock/openstack-paas-leave-{os.getuid()}", "")
    with lock.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        said = refused(machine, cluster)
        assert (
            said == "waited 3600 s for the turn of a to leave; last seen: other nodes are still leaving; run `up` again"
        )
        assert cluster.changes == [CORDONED]
        machine.clock.after(60, lambda: fcntl.flock(other, fcntl.LOCK_UN))
        assert go(machine, cluster) == [CORDONED, EVICTED, REMOVED]
    # The turn is over: nobody holds the lock.
    with lock.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("code", [401, 403])
def test_a_certificate_that_may_not(machine: FakeMachine, cluster: KubernetesServer, code: int) -> None:
    cluster.refuse("GET", NODE, status(code, "not you"))
    assert refused(machine, cluster).endswith(f": HTTP status {code}: not you")
    assert cluster.changes == []


@pytest.mark.usefixtures("few_looks")
@pytest.mark.parametrize("path", [NODE, "/api/v1/persistentvolumes", "/api/v1/persistentvolumeclaims"])
def test_an_api_that_is_away_is_no_cluster_without_the_node(
    machine: FakeMachine, cluster: KubernetesServer, path: str
) -> None:
    cluster.refuse("GET", path, status(503, "away"))
    assert f"at {cluster.endpoint}: HTTP status 503: away" in refused(machine, cluster)
    assert cluster.changes == []


def test_a_node_that_may_not_be_deleted(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.refuse("DELETE", NODE, status(403, "not you"))
    assert refused(machine, cluster) == f"cannot delete the node a at {cluster.endpoint}: HTTP status 403: not you"


def test_a_node_that_is_gone_when_it_is_to_be_deleted(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.hooks.append(lambda asked: cluster.objects.clear() if asked.path.endswith("/eviction") else None)
    assert go(machine, cluster) == [CORDONED, EVICTED, REMOVED]


@pytest.mark.usefixtures("few_looks")
def test_a_machine_of_that_name_that_has_joined_meanwhile_stays(
    machine: FakeMachine, cluster: KubernetesServer
) -> None:
    """The first request is done, but its answer is lost; before the second another machine joins."""

    def lose_answer(asked: Request) -> Reply | None:
        if asked.method != "DELETE":
            return None
        cluster.hooks.remove(lose_answer)
        cluster.node("a")["metadata"]["uid"] = "uid-of-another"
        return status(500, "lost")

    cluster.hooks.append(lose_answer)
    assert "cannot delete the node a at" in refused(machine, cluster)
    assert cluster.objects[NODE]["metadata"]["uid"] == "uid-of-another"
