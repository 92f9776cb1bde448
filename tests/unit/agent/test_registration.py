"""Labels, taints and the kubelet's configuration follow the settings; what others put on the node stays."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from agent.kubernetes.drain import DrainSettings
from agent.kubernetes.node import Node
from agent.kubernetes.registration import (
    ANNOTATION,
    KUBELET_CONFIGURATION,
    KUBELET_FLAGS,
    PREVIOUS_CONFIGURATION,
    Registrar,
    follow_labels_and_taints,
)
from agent.kubernetes.rollout import Rollout
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import FakeApis, settings
from tests.unit.agent.kubernetes_server import KubernetesServer, Reply, Request, status

NODE = "/api/v1/nodes/a"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a"
JOINING = "system:bootstrap:openstack-paas"
DEDICATED = {"key": "dedicated", "value": "database", "effect": "NoSchedule"}
CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "now"}
ROLE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


@dataclasses.dataclass(frozen=True)
class Registration:
    """What is wanted of the node."""

    labels: tuple[str, ...]
    taints: tuple[str, ...]
    kubelet_configuration: str
    init_configuration: str = ""


WANTED = Registration(("disk=ssd", "pool=a"), ("dedicated=database:NoSchedule",), "maxPods: 110")


class Kubeadm:
    """kubeadm, which brings the cluster's configuration of kubelets to this one."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine = machine
        self.calls: list[str] = []
        self.brings = ""

    def run(self, what: str, *words: str | Path, configuration: str = "") -> None:
        self.calls.append(" ".join(map(str, words)) + (f" < {configuration}" if configuration else ""))
        if words[0] == "upgrade":
            self.machine.write(KUBELET_CONFIGURATION, self.brings)


@dataclasses.dataclass
class World:
    """A node that has joined."""

    machine: FakeMachine
    cluster: KubernetesServer
    kubeadm: Kubeadm

    def follow(self, wanted: Registration, had_joined: bool = True, writer: bool = True) -> None:
        clock = self.machine.clock
        rollout = Rollout(self.machine, self.cluster.api(clock), "a", DrainSettings(20))
        change = (lambda: self.cluster.api(clock, JOINING)) if writer else None
        self.kubeadm.brings = wanted.kubelet_configuration
        own = dataclasses.replace(
            settings(self.cluster),
            labels=wanted.labels,
            taints=wanted.taints,
            kubelet_configuration=wanted.kubelet_configuration,
        )
        node = Node(self.machine, own, FakeApis(self.machine, self.cluster), had_joined)
        node.kubeadm = self.kubeadm
        Registrar(node, rollout, change, wanted.init_configuration).follow_registration()

    def administrate(self, wanted: Registration) -> None:
        api = self.cluster.api(self.machine.clock, "admin")
        rollout = Rollout(self.machine, api, "a", DrainSettings(20))
        follow_labels_and_taints(self.machine, api, "a", wanted.labels, wanted.taints, rollout)

    @property
    def node(self) -> Any:
        return self.cluster.objects[NODE]

    @property
    def flags(self) -> str:
        return self.machine.path(KUBELET_FLAGS).read_text()

    @property
    def configuration(self) -> str:
        return self.machine.path(KUBELET_CONFIGURATION).read_text()

    @property
    def restarts(self) -> int:
        return self.machine.calls.count(("systemctl", "restart", "kubelet.service"))

    def report(self) -> None:
        """The kubelet reports."""
        now = self.machine.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.cluster.put(LEASE, {"spec": {"renewTime": now}})

    def start_kubelet(self) -> None:
        """One that does not work with a broken configuration. It ends the one before."""
        self.machine.clock.events.clear()
        if "broken" not in self.configuration:
            self.machine.clock.after(0.1, self.report)


@pytest.fixture
def world(machine: FakeMachine, cluster: KubernetesServer) -> World:
    world = World(machine, cluster, Kubeadm(machine))
    cluster.node("a", taints=[DEDICATED, CORDONED])
    labels = {"pool": "a", "disk": "ssd", "by-hand": "yes", "kubernetes.io/os": "linux"}
    cluster.objects[NODE]["metadata"]["labels"] = labels
    taints = " --register-with-taints=dedicated=database:NoSchedule"
    machine.write(KUBELET_FLAGS, f'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7 --node-labels=disk=ssd,pool=a{taints}"\n')
    machine.write(KUBELET_CONFIGURATION, "maxPods: 110")
    cluster.put(LEASE, {"spec": {"renewTime": "2000-01-01T00:00:00.000000Z"}})

    def systemctl(words: tuple[str, ...], given: str) -> None:
        if words[1] == "restart":
            world.start_kubelet()

    machine.answer("systemctl", systemctl)
    world.follow(WANTED)
    world.kubeadm.calls.clear()
    cluster.asked.clear()
    return world


def control_plane(world: World, *taints: str, **more: Any) -> Registration:
    return Registration((), taints, more.get("kubelet", "maxPods: 110"), init_configuration="init.yaml")


def test_a_node_that_is_as_wanted_is_left_alone(world: World) -> None:
    world.follow(WANTED)
    assert world.cluster.changes == []
    assert (world.kubeadm.calls, world.restarts) == ([], 0)


def test_other_labels_and_taints(world: World) -> None:
    pods = world.cluster.pod("web")
    version = world.node["metadata"]["resourceVersion"]
    wanted = Registration(
        ("pool=b", "zone=north"), ("dedicated=web:NoSchedule", "other:PreferNoSchedule"), "maxPods: 110"
    )
    world.follow(wanted)
    assert world.node["metadata"]["labels"] == {
        "pool": "b", "by-hand": "yes", "kubernetes.io/os": "linux", "zone": "north",
    }  # fmt: skip
    assert world.node["spec"]["taints"] == [
        CORDONED,
        {"key": "dedicated", "value": "web", "effect": "NoSchedule"},
        {"key": "other", "effect": "PreferNoSchedule"},
    ]
    patch = next(one for one in world.cluster.asked if one.method == "PATCH")
    assert patch.body["metadata"]["resourceVersion"] == version
    # A node itself may not change its own taints.
    assert patch.user == JOINING
    assert world.flags == (
        'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7 --node-labels=pool=b,zone=north '
        '--register-with-taints=dedicated=web:NoSchedule,other:PreferNoSchedule"\n'
    )
    assert world.cluster.evicted == []
    assert pods
    asked = len(world.cluster.changes)
    world.follow(wanted)
    assert len(world.cluster.changes) == asked


def test_no_labels_and_no_taints(world: World) -> None:
    world.follow(Registration((), (), "maxPods: 110"))
    assert world.node["metadata"]["labels"] == {"by-hand": "yes", "kubernetes.io/os": "linux"}
    assert world.node["spec"]["taints"] == [CORDONED]
    assert world.flags == 'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7"\n'


def test_pods_leave_by_eviction_before_a_taint_drives_them_away(world: World) -> None:
    world.cluster.pod("web")
    wanted = dataclasses.replace(WANTED, taints=("away:NoExecute",))
    world.follow(wanted)
    changes = world.cluster.changes
    assert world.cluster.evicted == ["web"]
    assert {"key": "away", "effect": "NoExecute"} in world.node["spec"]["taints"]
    assert changes[-2:] == ["POST namespaces/default/pods/web/eviction", "PATCH nodes/a"]
    # One that is there already drives nobody away again.
    world.cluster.pod("web")
    world.follow(dataclasses.replace(wanted, taints=("away=now:NoExecute",)))
    assert world.cluster.evicted == ["web"]


def test_somebody_else_writes_in_the_same_moment(world: World) -> None:
    def interfere(asked: Request) -> Reply | None:
        if asked.user == JOINING:
            world.cluster.hooks.remove(interfere)
            world.cluster.put(NODE, world.node | {"spec": {"taints": [DEDICATED, CORDONED, ROLE]}})
        return None

    world.cluster.hooks.append(interfere)
    world.follow(dataclasses.replace(WANTED, taints=()))
    assert world.node["spec"]["taints"] == [CORDONED, ROLE]


@pytest.mark.usefixtures("few_looks")
def test_a_change_that_the_api_refuses_is_not_remembered(world: World) -> None:
    world.cluster.hooks.append(lambda asked: status(403, "forbidden") if asked.method == "PATCH" else None)
    with pytest.raises(Failed, match=r"waited 60 s for the API to take .*; last seen: HTTP status 403: forbidden"):
        world.follow(dataclasses.replace(WANTED, labels=("pool=b",)))
    assert "pool=a" in world.flags


def test_a_worker_leaves_them_to_an_administrator(world: World) -> None:
    """Who knows later what it had registered with."""
    world.node["metadata"].pop("annotations")
    wanted = dataclasses.replace(WANTED, labels=("pool=b",), taints=())
    world.follow(wanted, writer=False)
    assert world.cluster.changes == ["PATCH nodes/a"]
    assert world.node["metadata"]["labels"]["pool"] == "a"
    record = {"labels": ["disk=ssd", "pool=a"], "taints": ["dedicated=database:NoSchedule"]}
    assert json.loads(world.node["metadata"]["annotations"][ANNOTATION]) == record
    assert world.flags == 'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7 --node-labels=pool=b"\n'
    world.administrate(wanted)
    assert world.node["metadata"]["labels"] == {"pool": "b", "by-hand": "yes", "kubernetes.io/os": "linux"}
    assert world.node["spec"]["taints"] == [CORDONED]
    assert json.loads(world.node["metadata"]["annotations"][ANNOTATION]) == {"labels": ["pool=b"], "taints": []}
    asked = len(world.cluster.changes)
    world.administrate(wanted)
    world.follow(wanted, writer=False)
    assert len(world.cluster.changes) == asked


def test_a_record_that_nobody_can_read_gives_nothing_away(world: World) -> None:
    world.node["metadata"]["annotations"][ANNOTATION] = "{"
    world.administrate(dataclasses.replace(WANTED, labels=("pool=b",)))
    assert world.node["metadata"]["labels"]["disk"] == "ssd"
    assert world.node["metadata"]["labels"]["pool"] == "b"


def test_a_node_without_flags_of_its_kubelet(world: World) -> None:
    world.machine.path(KUBELET_FLAGS).unlink()
    with pytest.raises(Failed, match=r"kubeadm-flags.env does not exist, though this node has joined"):
        world.follow(WANTED)


def test_kubeadms_mark_of_control_planes_goes_and_comes_back(world: World) -> None:
    world.cluster.node("a", taints=[ROLE])["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
    world.machine.write(KUBELET_FLAGS, 'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7"\n')
    world.follow(control_plane(world))
    assert world.node["spec"]["taints"] == []
    world.follow(control_plane(world, "node-role.kubernetes.io/control-plane=:NoSchedule"))
    assert world.node["spec"]["taints"] == [ROLE]
    # kubeadm gives it without a flag.
    assert world.flags == 'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7"\n'
    assert world.kubeadm.calls == []


def test_a_control_plane_brings_the_configuration_to_the_cluster(world: World) -> None:
    world.follow(control_plane(world, kubelet="maxPods: 50"))
    assert world.configuration == "maxPods: 50"
    assert world.kubeadm.calls == [
        "init phase upload-config kubelet < init.yaml",
        "upgrade node phase kubelet-config",
    ]
    assert "configuration of the kubelet" in world.machine.lines
    assert world.restarts == 1
    assert not world.machine.path(PREVIOUS_CONFIGURATION).exists()


def test_a_worker_takes_it_from_there(world: World) -> None:
    world.follow(dataclasses.replace(WANTED, kubelet_configuration="maxPods: 50"))
    assert world.kubeadm.calls == ["upgrade node phase kubelet-config"]
    assert (world.configuration, world.restarts) == ("maxPods: 50", 1)


def test_a_configuration_that_does_not_work_is_taken_back_and_tried_again(world: World) -> None:
    broken = dataclasses.replace(WANTED, kubelet_configuration="broken: true")
    for turn in (1, 2):
        with pytest.raises(
            Failed, match=r"it runs with the previous one again \(waited 30 s for the kubelet to report"
        ):
            world.follow(broken)
        assert (world.configuration, world.restarts) == ("maxPods: 110", 2 * turn)
    world.kubeadm.calls.clear()
    # The way back: the cluster may have the broken one.
    world.follow(WANTED)
    assert world.kubeadm.calls == ["upgrade node phase kubelet-config"]
    assert world.configuration == "maxPods: 110"


def test_an_api_that_does_not_know_the_kubelet_is_no_report(world: World) -> None:
    world.cluster.refuse("GET", LEASE, status(404, "no lease"))
    with pytest.raises(Failed, match=r"last seen: HTTP status 404: no lease"):
        world.follow(dataclasses.replace(WANTED, kubelet_configuration="maxPods: 50"))


def test_a_run_that_ended_between_kubeadm_and_the_kubelet_is_finished(world: World) -> None:
    world.machine.write(PREVIOUS_CONFIGURATION, "maxPods: 110")
    world.machine.write(KUBELET_CONFIGURATION, "maxPods: 60")
    world.follow(dataclasses.replace(WANTED, kubelet_configuration="maxPods: 60"))
    assert world.restarts == 1


def test_a_node_that_has_just_joined_has_it_already(world: World) -> None:
    world.follow(Registration(("pool=b",), (), "maxPods: 70"), had_joined=False)
    assert (world.kubeadm.calls, world.cluster.changes, world.restarts) == ([], [], 0)
    world.follow(dataclasses.replace(WANTED, kubelet_configuration="maxPods: 70"))
    assert world.kubeadm.calls == []
