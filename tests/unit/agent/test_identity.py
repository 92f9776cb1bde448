"""Who asks the API: by a kubeconfig of this machine, or by a certificate that was handed in and leaves no trace."""

import base64
import os
from pathlib import Path

import pytest

from agent.kubernetes.identity import api_of_kubeconfig, field, given_identity, kubeconfig_identity
from agent.kubernetes_api import KubernetesApi
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer, certificate

PARENT = "/run/openstack-paas-identity"


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def admin_conf(cluster: KubernetesServer, server: str) -> str:
    """As kubeadm writes it."""
    both = certificate("kubernetes-admin")
    return (
        "apiVersion: v1\nclusters:\n- cluster:\n"
        f"    certificate-authority-data: {encoded(cluster.ca)}\n    server: https://{server}\n"
        "  name: kubernetes\nusers:\n- name: kubernetes-admin\n  user:\n"
        f"    client-certificate-data: {encoded(both.with_suffix('.crt'))}\n"
        f"    client-key-data: {encoded(both.with_suffix('.key'))}\n"
    )


def left(machine: FakeMachine) -> list[str]:
    return [path.name for path in machine.path(PARENT).glob("*")]


def test_a_kubeconfig_that_embeds_everything(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    machine.write("/etc/kubernetes/admin.conf", admin_conf(cluster, cluster.endpoint))
    with api_of_kubeconfig(machine, "/etc/kubernetes/admin.conf") as api:
        assert api.node("a")
        assert api.identity
        assert api.identity.key.stat().st_mode & 0o077 == 0
        assert api.identity.key.parent.stat().st_mode & 0o077 == 0
    assert cluster.asked[0].user == "kubernetes-admin"
    assert left(machine) == []
    machine.write("/etc/kubernetes/admin.conf", admin_conf(cluster, "192.0.2.5:6443"))
    with api_of_kubeconfig(machine, "/etc/kubernetes/admin.conf", cluster.endpoint) as api:
        assert api.node("a")


def test_a_kubeconfig_that_names_files(machine: FakeMachine, cluster: KubernetesServer) -> None:
    both = certificate("system:bootstrap:openstack-paas").read_text()
    folder = "/opt/openstack-paas/worker"
    machine.write(f"{folder}/pki/ca.crt", cluster.ca.read_text())
    machine.write(f"{folder}/bootstrap.crt", both)
    machine.write(f"{folder}/bootstrap.key", both)
    text = (
        f'clusters:\n- cluster:\n    server: "https://{cluster.endpoint}"\n'
        f"    certificate-authority: {folder}/pki/ca.crt\n"
        f"users:\n- user:\n    client-certificate: {folder}/bootstrap.crt\n    client-key: bootstrap.key\n"
    )
    machine.write(f"{folder}/bootstrap.conf", text)
    with api_of_kubeconfig(machine, f"{folder}/bootstrap.conf") as api:
        assert api.node("a") is None
    assert cluster.asked[0].user == "system:bootstrap:openstack-paas"


def test_a_kubeconfig_that_is_not_there(machine: FakeMachine) -> None:
    with (
        pytest.raises(Failed, match=r"/etc/kubernetes/admin.conf does not exist"),
        kubeconfig_identity(machine, "/etc/kubernetes/admin.conf"),
    ):
        pass


def test_a_kubeconfig_without_a_user(machine: FakeMachine, cluster: KubernetesServer) -> None:
    text = admin_conf(cluster, "x:1")
    machine.write("/admin.conf", text[: text.index("users:")])
    with (
        pytest.raises(Failed, match=r"/admin.conf has no client-certificate"),
        kubeconfig_identity(machine, "/admin.conf"),
    ):
        pass
    assert left(machine) == []


def test_a_certificate_that_was_handed_in(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.node("a")
    pem = certificate("openstack-paas:leave").read_text()
    with given_identity(machine, cluster.ca, pem) as identity:
        assert KubernetesApi(cluster.endpoint, identity, machine.clock).node("a")
        assert identity.key.stat().st_mode & 0o077 == 0
    assert cluster.asked[0].user == "openstack-paas:leave"
    assert left(machine) == []


def test_nothing_stays_when_the_run_fails(machine: FakeMachine, cluster: KubernetesServer) -> None:
    with pytest.raises(RuntimeError), given_identity(machine, cluster.ca, certificate("x").read_text()):
        raise RuntimeError
    assert left(machine) == []


@pytest.mark.parametrize("given", ["", "-----BEGIN CERTIFICATE-----\n", "-----BEGIN EC PRIVATE KEY-----\n"])
def test_half_of_one_is_refused(machine: FakeMachine, cluster: KubernetesServer, given: str) -> None:
    with pytest.raises(Failed, match="have to come on standard input"), given_identity(machine, cluster.ca, given):
        pass


def test_what_killed_runs_have_left_goes(machine: FakeMachine, cluster: KubernetesServer) -> None:
    now = machine.clock.now().timestamp()
    former = "/dev/shm/openstack-paas-leave.old"
    ages = {f"{PARENT}/openstack-paas-old": 90000, f"{PARENT}/openstack-paas-young": 80000, former: 90000}
    for path, age in ages.items():
        machine.write(f"{path}/identity.pem", "secret")
        os.utime(machine.path(path), (now - age, now - age))
    with given_identity(machine, cluster.ca, certificate("x").read_text()):
        pass
    assert [machine.path(path).exists() for path in ages] == [False, True, False]


def test_fields_are_whole_names() -> None:
    text = "    client-key-data: one\n- server: two\n  other-server: three\n"
    assert [field(text, name) for name in ("client-key", "server", "key-data")] == ["", "two", ""]
