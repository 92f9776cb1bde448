"""The members of etcd in an API server."""

from collections.abc import Callable
from functools import partial

import pytest

from agent.etcd_api import PortState
from agent.kubernetes.api_server import MANIFEST, ApiServer
from agent.kubernetes.control_plane_state import ControlPlaneState
from agent.kubernetes.etcd_endpoints import follow_etcd_endpoints
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import FakeApis, FakeEtcd, called, control_plane_settings, node_of
from tests.unit.agent.kubernetes.processes_support import begin, end
from tests.unit.agent.kubernetes_server import KubernetesServer


def prepare(machine: FakeMachine, cluster: KubernetesServer, etcd: FakeEtcd) -> Callable[[], None]:
    node = node_of(machine, cluster)
    wanted = control_plane_settings(cluster)
    state = ControlPlaneState(machine, wanted, etcd)
    apis = FakeApis(machine, cluster)
    server = ApiServer(machine, apis, wanted.address, wanted.api_port, lambda address, port: PortState.REFUSED)
    return partial(follow_etcd_endpoints, state, node.kubeadm, server)


def test_the_members_that_it_knows_stay(machine: FakeMachine, cluster: KubernetesServer) -> None:
    etcd = FakeEtcd()
    machine.write(MANIFEST, "    - --etcd-servers=https://10.0.0.4:2379\n")
    prepare(machine, cluster, etcd)()
    assert (etcd.held, machine.calls) == ([], [])


def test_another_member_replaces_the_api_server_under_the_lock(machine: FakeMachine, cluster: KubernetesServer) -> None:
    etcd = FakeEtcd()
    machine.write(MANIFEST, "    - --etcd-servers=https://10.0.0.5:2379\n")
    follow = prepare(machine, cluster, etcd)
    begin(machine, 40, "kube-apiserver", "--etcd-servers=https://10.0.0.5:2379")
    machine.clock.after(4, lambda: end(machine, 40))
    machine.clock.after(30, lambda: begin(machine, 41, "kube-apiserver", "--etcd-servers=https://10.0.0.4:2379", "--x"))
    follow()
    assert etcd.held == ["openstack-paas/api-server"]
    assert [call[1:5] for call in called(machine, "kubeadm")] == [
        ("init", "phase", "upload-config", "kubeadm"),
        ("init", "phase", "control-plane", "apiserver"),
    ]
    assert machine.clock.seconds >= 30


def test_without_the_lock_the_api_server_stays(machine: FakeMachine, cluster: KubernetesServer) -> None:
    etcd = FakeEtcd()
    etcd.the_lock.lost = True
    machine.write(MANIFEST, "    - --x\n")
    with pytest.raises(Failed, match="may have another holder"):
        prepare(machine, cluster, etcd)()
    assert [call[3] for call in called(machine, "kubeadm")] == ["upload-config"]


def test_one_that_does_not_come_back_with_them(machine: FakeMachine, cluster: KubernetesServer) -> None:
    machine.write(MANIFEST, "    - --x\n")
    with pytest.raises(Failed, match=r"API server \(with etcd at https://10.0.0.4:2379\) to be ready"):
        prepare(machine, cluster, FakeEtcd())()
