"""The API by who asks, against a server that looks at the certificate."""

import pytest

from agent.kubernetes.apis import MachineApis
from agent.kubernetes.node_settings import ADMIN_KUBECONFIG
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import give_identity, kubeconfig, node_of
from tests.unit.agent.kubernetes_server import KubernetesServer


def test_who_asks(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    give_identity(machine)
    node.write_bootstrap()
    machine.write(ADMIN_KUBECONFIG, kubeconfig("", cluster.endpoint, "admin"))
    cluster.node("a")
    with machine.work_folder() as folder:
        apis = MachineApis(machine, folder, "worker", cluster.endpoint, cluster.ca.read_text())
        apis.anonymous(cluster.endpoint).is_ready()
        for api in (apis.kubelet(), apis.joining(), apis.admin(), apis.admin(cluster.endpoint)):
            api.ask("GET", "/api/v1/nodes/a")
        assert (folder / "admin.pem").stat().st_mode & 0o777 == 0o600
    assert [asked.user for asked in cluster.asked] == ["", "system:node:a", "joining", "admin", "admin"]


def test_an_administrator_without_a_certificate(machine: FakeMachine, cluster: KubernetesServer) -> None:
    with machine.work_folder() as folder:
        apis = MachineApis(machine, folder, "control-plane", cluster.endpoint, cluster.ca.read_text())
        with pytest.raises(Failed, match=r"admin.conf has no certificate and key"):
            apis.admin()
