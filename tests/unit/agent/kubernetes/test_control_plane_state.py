"""What etcd is asked, and that silence is no answer."""

import stat

import pytest

from agent.etcd_lock import Lock
from agent.kubernetes.api_server import MANIFEST
from agent.kubernetes.control_plane_state import ControlPlaneState
from agent.kubernetes.node import KUBELET_KUBECONFIG
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import FakeEtcd, control_plane_settings
from tests.unit.agent.kubernetes_server import KubernetesServer

CONFIGURATION = "/registry/configmaps/kube-system/kubeadm-config"


@pytest.fixture
def etcd() -> FakeEtcd:
    return FakeEtcd()


@pytest.fixture
def state(machine: FakeMachine, cluster: KubernetesServer, etcd: FakeEtcd) -> ControlPlaneState:
    return ControlPlaneState(machine, control_plane_settings(cluster), etcd)


def test_keys_are_for_root_alone(machine: FakeMachine, state: ControlPlaneState) -> None:
    state.install_pki()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in machine.path("/etc/kubernetes/pki").glob("*.*")}
    assert {name for name, mode in modes.items() if mode == 0o600} == {
        "ca.key", "front-proxy-ca.key", "sa.key", "apiserver-etcd-client.key"
    }  # fmt: skip
    assert set(modes) - {name for name in modes if name.endswith(".key")} == {
        "issuing-ca.crt", "ca.crt", "front-proxy-ca.crt", "sa.pub", "apiserver-etcd-client.crt"
    }  # fmt: skip
    assert machine.path("/etc/kubernetes/pki/etcd/ca.crt").exists()


def test_a_control_plane_is_complete_with_all_its_files(machine: FakeMachine, state: ControlPlaneState) -> None:
    machine.write("/var/lib/openstack-paas/joined", "")
    machine.write(KUBELET_KUBECONFIG, "kind: Config\n")
    assert not state.is_complete()
    machine.write(MANIFEST, "")
    assert not state.is_complete()
    machine.write(MANIFEST, "kind: Pod\n")
    assert state.is_complete()


def test_etcd_is_asked_again(state: ControlPlaneState, etcd: FakeEtcd) -> None:
    etcd.silent = 3
    assert not state.cluster_is_recorded()
    etcd.silent = 3
    etcd.keys_and_values[CONFIGURATION] = b""
    assert state.cluster_is_recorded()
    assert not state.node_is_recorded()
    etcd.keys_and_values["/registry/minions/a"] = b"x"
    assert state.node_is_recorded()


def test_an_etcd_that_stays_silent(state: ControlPlaneState, etcd: FakeEtcd) -> None:
    etcd.silent = 10**6
    with pytest.raises(
        Failed, match=r"waited 60 s for etcd to say whether there is /registry/configmaps/.*nobody answers"
    ):
        state.cluster_is_recorded()
    with pytest.raises(Failed, match="how kube-proxy finds the API"):
        state.proxies_find("https://127.0.0.1:6443")
    with pytest.raises(Failed, match=r"waited 240 s for etcd at https://10.0.0.4:2379 to answer with a majority"):
        state.wait_for_etcd()


def test_how_kube_proxy_finds_the_api(state: ControlPlaneState, etcd: FakeEtcd) -> None:
    assert not state.proxies_find("https://127.0.0.1:6443")
    etcd.keys_and_values["/registry/configmaps/kube-system/kube-proxy"] = b"\x0ak8s\0 server: https://127.0.0.1:6443\n"
    assert state.proxies_find("https://127.0.0.1:6443")
    assert not state.proxies_find("https://10.0.0.1:6443")


def test_other_api_servers_that_live(state: ControlPlaneState, etcd: FakeEtcd) -> None:
    etcd.keys_and_values |= {f"/registry/masterleases/{address}": b"" for address in (state.wanted.address, "10.0.0.9")}
    assert state.living_api_servers() == ("10.0.0.9",)


def test_a_lock_that_is_not_to_be_had(state: ControlPlaneState, etcd: FakeEtcd) -> None:
    def change(lock: Lock) -> None:
        lock.check()
        etcd.put("changed", "yes")

    etcd.refuses_locks = True
    with pytest.raises(Failed, match="the lock a in etcd was not to be had: another one holds it"):
        state.locked("a", change)
    etcd.refuses_locks = False
    etcd.the_lock.lost = True
    with pytest.raises(Failed, match="the lock may have another holder: this run has stopped"):
        state.locked("a", change)
    assert "changed" not in etcd.keys_and_values
    etcd.the_lock.lost = False
    state.locked("a", change)
    assert etcd.keys_and_values["changed"] == b"yes"
