"""Who initialises the cluster, and when nobody may."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.etcd_api import LockLost
from agent.kubernetes.control_plane_state import ControlPlaneState
from agent.kubernetes.initialise import Initialise
from agent.kubernetes.node import KUBELET_KUBECONFIG
from agent.machine import Failed
from agent.programs import NOT_FOUND
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import CLUSTER_INFO, FakeEtcd, called, control_plane_settings, node_of
from tests.unit.agent.kubernetes_server import KubernetesServer, status

CONFIGURATION = "/registry/configmaps/kube-system/kubeadm-config"
PROXY = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"
PROXY_PODS = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"


class Case:
    """One control plane and its etcd."""

    def __init__(self, machine: FakeMachine, cluster: KubernetesServer, had_cluster: bool = False) -> None:
        self.machine, self.cluster, self.etcd = machine, cluster, FakeEtcd()
        wanted = control_plane_settings(cluster, had_cluster)
        node = node_of(machine, cluster, wanted=wanted)
        machine.state.mkdir(parents=True, exist_ok=True)
        self.initialise = Initialise(node, ControlPlaneState(machine, wanted, self.etcd))
        cluster.put(PROXY, {"metadata": {}, "data": {"kubeconfig.conf": "server: https://10.0.0.1:6443\n"}})
        cluster.put(PROXY_PODS, {"metadata": {}, "spec": {"template": {}}})

    def run(self) -> None:
        self.initialise.under(self.etcd.the_lock)

    @property
    def inits(self) -> list[tuple[str, ...]]:
        return called(self.machine, "kubeadm", "init")

    @property
    def is_joined(self) -> bool:
        return (self.machine.state / "joined").exists()

    def silence_api(self) -> None:
        self.cluster.refuse("GET", "/readyz", status(500, "not ready"))


@pytest.fixture
def case(machine: FakeMachine, cluster: KubernetesServer) -> Case:
    return Case(machine, cluster)


def test_the_first_one_initialises_the_cluster(case: Case) -> None:
    case.run()
    assert len(case.inits) == 1
    assert case.is_joined
    assert "no cluster in etcd: initialising one" in case.machine.lines
    data = case.cluster.objects[PROXY]["data"]["kubeconfig.conf"]
    assert data == f"server: https://127.0.0.1:{case.initialise.wanted.api_port}\n"
    assert case.machine.path("/etc/kubernetes/pki/ca.key").exists()


def test_nobody_answers_never_means_that_there_is_no_cluster(case: Case) -> None:
    """The shell runs kubeadm init over a living cluster here."""
    case.etcd.silent = 10**6
    with pytest.raises(Failed, match="waited 60 s for etcd to say whether there is /registry/configmaps"):
        case.run()
    assert case.inits == []
    assert not case.is_joined


def test_an_answer_that_comes_late_counts(case: Case) -> None:
    case.etcd.keys_and_values[CONFIGURATION] = b"x"
    case.etcd.silent = 2
    case.run()
    assert case.inits == []
    assert "the cluster exists and its API answers: joining it" in case.machine.lines


def test_a_stack_that_has_had_a_cluster_does_not_begin_another(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster, had_cluster=True)
    with pytest.raises(Failed, match="etcd knows no cluster, and this stack has had one"):
        case.run()
    assert case.inits == []


@pytest.mark.parametrize("days", [0, 1])
def test_a_cluster_may_begin_with_nothing_on_the_day_that_is_set(
    machine: FakeMachine, cluster: KubernetesServer, days: int
) -> None:
    case = Case(machine, cluster, had_cluster=True)
    day = f"{machine.clock.now() - timedelta(days=days):%Y-%m-%d}"
    case.initialise.wanted = replace(case.initialise.wanted, start_empty=day)
    if days:
        with pytest.raises(Failed, match=r"set etcd\.startEmpty to today's date"):
            case.run()
    else:
        case.run()
    assert len(case.inits) == (0 if days else 1)


def test_a_cluster_whose_api_servers_are_all_gone_comes_back(case: Case) -> None:
    case.etcd.keys_and_values[CONFIGURATION] = b"x"
    case.silence_api()
    case.run()
    assert len(case.inits) == 1
    assert case.machine.clock.seconds >= 60
    assert case.cluster.objects[PROXY]["data"]["kubeconfig.conf"] == "server: https://10.0.0.1:6443\n"


def test_kube_proxies_that_were_local_stay_local(case: Case) -> None:
    local = case.initialise.local_server
    case.etcd.keys_and_values |= {
        CONFIGURATION: b"x",
        "/registry/configmaps/kube-system/kube-proxy": f"server: {local}\n".encode(),
    }
    case.silence_api()
    case.run()
    assert case.cluster.objects[PROXY]["data"]["kubeconfig.conf"] == f"server: {local}\n"


def test_api_servers_that_live_are_not_initialised_over(case: Case) -> None:
    """The shell does so when only the way to them is interrupted."""
    case.etcd.keys_and_values |= {CONFIGURATION: b"x", "/registry/masterleases/10.0.0.9": b""}
    case.silence_api()
    case.run()
    assert case.inits == []
    assert "API servers live at 10.0.0.9" in case.machine.said


def test_whether_the_way_back_is_local_is_not_guessed(case: Case) -> None:
    case.etcd.keys_and_values[CONFIGURATION] = b"x"
    case.silence_api()
    case.machine.clock.after(30, lambda: setattr(case.etcd, "silent", 10**6))
    with pytest.raises(Failed, match="waited 60 s for etcd to say which API servers live"):
        case.run()
    assert case.inits == []


@pytest.mark.parametrize("recorded", [True, False])
def test_a_lock_that_is_lost_stops_it(case: Case, recorded: bool) -> None:
    if recorded:
        case.etcd.keys_and_values[CONFIGURATION] = b"x"
        case.silence_api()
    case.etcd.the_lock.lost = True
    with pytest.raises(LockLost):
        case.run()
    assert case.inits == []


def test_an_init_that_was_interrupted_goes_on(case: Case) -> None:
    case.machine.write(KUBELET_KUBECONFIG, "kind: Config\n")
    case.etcd.keys_and_values["/registry/minions/a"] = b"x"
    case.initialise.node.kubeadm.ignored = ("Swap",)
    case.run()
    assert not called(case.machine, "kubeadm", "reset")
    assert called(case.machine, "systemctl", "stop", "kubelet.service")
    flag = next(word for word in case.inits[0] if word.startswith("--ignore-preflight-errors="))
    port = case.initialise.wanted.api_port
    assert flag.startswith(f"--ignore-preflight-errors=Swap,Port-{port},Port-10250,")
    assert flag.endswith("FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml")


@pytest.mark.parametrize("code", [403, 404])
def test_an_init_whose_api_server_is_up_goes_on_too(case: Case, code: int) -> None:
    """The shell waits for a way in here that nobody ever opens."""
    case.machine.write(KUBELET_KUBECONFIG, "kind: Config\n")
    case.etcd.keys_and_values |= {CONFIGURATION: b"x", "/registry/minions/a": b"x"}
    case.cluster.refuse("GET", CLUSTER_INFO, status(code, "no"))
    case.run()
    assert len(case.inits) == 1
    assert not called(case.machine, "kubeadm", "reset")


@pytest.mark.parametrize("hindrance", ["another API server", "a way in", "no answer", "an unknown node", "no kubelet"])
def test_a_machine_that_did_not_begin_the_init_joins(case: Case, hindrance: str) -> None:
    case.machine.write(KUBELET_KUBECONFIG, "" if hindrance == "no kubelet" else "kind: Config\n")
    case.etcd.keys_and_values |= {CONFIGURATION: b"x"}
    if hindrance != "an unknown node":
        case.etcd.keys_and_values |= {"/registry/minions/a": b"x"}
    if hindrance == "another API server":
        case.etcd.keys_and_values |= {"/registry/masterleases/10.0.0.9": b""}
    if hindrance == "a way in":
        case.cluster.put(CLUSTER_INFO, {"metadata": {}})
    if hindrance == "no answer":
        case.cluster.refuse("GET", CLUSTER_INFO, status(503, "later"))
    case.run()
    assert case.inits == []
    assert "the cluster exists and its API answers: joining it" in case.machine.lines


def test_what_the_cluster_has_never_seen_is_removed(case: Case) -> None:
    case.machine.write(KUBELET_KUBECONFIG, "kind: Config\n")
    case.run()
    assert called(case.machine, "kubeadm", "reset")


def test_nobody_answering_is_no_reason_for_a_reset(case: Case) -> None:
    """The shell resets a node here that the cluster knows."""
    case.machine.write(KUBELET_KUBECONFIG, "kind: Config\n")
    case.etcd.silent = 10**6
    with pytest.raises(Failed, match="whether there is /registry/minions/a"):
        case.initialise._initialise(local=True)
    assert not called(case.machine, "kubeadm")


def test_an_init_that_fails_is_not_joined(case: Case) -> None:
    case.machine.answer("kubeadm init", NOT_FOUND)
    with pytest.raises(Failed, match="kubeadm init failed"):
        case.run()
    assert not case.is_joined


def test_settings_hide_their_secrets(cluster: KubernetesServer) -> None:
    wanted = control_plane_settings(cluster)
    assert "PRIVATE KEY" not in repr(replace(wanted, pki=replace(wanted.pki, etcd_client="")))
