"""How a machine joins the cluster, and what it refuses."""

import os
import stat
from pathlib import Path

import pytest

from agent.kubernetes.node import BOOTSTRAP_KUBELET, KUBELET_KUBECONFIG, has_joined, is_pair, joined_mark
from agent.machine import Failed, NotYet
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import CLUSTER_INFO, called, failing_program, give_identity, node_of
from tests.unit.agent.kubernetes_server import KubernetesServer, certificate, status

BOOTSTRAP = "/opt/openstack-paas/worker"


def open_way_in(cluster: KubernetesServer) -> None:
    cluster.put(CLUSTER_INFO, {"metadata": {"name": "cluster-info"}})


def test_the_way_in_is_open_once_cluster_info_is_published(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    with pytest.raises(NotYet, match="cluster-info answers with HTTP status 404"):
        node.may_join()
    open_way_in(cluster)
    node.may_join()
    cluster.refuse("GET", "/readyz", status(500, "not ready"))
    with pytest.raises(NotYet, match="HTTP status 500"):
        node.may_join()


def test_a_new_machine_joins(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    open_way_in(cluster)
    node.join("an API server")
    assert [call[1:3] for call in called(machine, "kubeadm")] == [("config", "validate"), ("join", "--config")]
    key = machine.path(f"{BOOTSTRAP}/bootstrap.key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert machine.path(f"{BOOTSTRAP}/pki/ca.crt").read_text() == cluster.ca.read_text()
    node.forget_bootstrap()
    assert not machine.path(BOOTSTRAP).exists()


def test_the_previous_node_of_the_name_is_noticed_as_lost_first(
    machine: FakeMachine, cluster: KubernetesServer
) -> None:
    node = node_of(machine, cluster)
    open_way_in(cluster)
    cluster.node("a", ready="True")
    machine.clock.after(40, lambda: cluster.node("a", ready="Unknown"))
    node.join("an API server")
    assert machine.clock.seconds >= 40
    assert cluster.changes == ["DELETE nodes/a"]


def test_a_previous_node_that_stays_ready_is_not_joined_over(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    open_way_in(cluster)
    cluster.node("a", ready="True")
    with pytest.raises(Failed, match=r"the previous node a to be noticed as lost; last seen: .*Ready=True"):
        node.join("an API server")
    assert not called(machine, "kubeadm", "join")


def test_a_cluster_that_does_not_grant_it_keeps_the_old_object(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    open_way_in(cluster)
    cluster.node("a", ready="Unknown")
    cluster.refuse("DELETE", "/api/v1/nodes/a", status(403, "may not"))
    node.join("an API server")
    assert "the old object of this node stays: HTTP status 403: may not" in machine.said


def test_a_machine_without_a_certificate_does_not_join(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster, bootstrap=False)
    open_way_in(cluster)
    with pytest.raises(Failed, match="was given no certificate to join with"):
        node.join("an API server")


def test_a_certificate_to_join_with_lives_hours(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    open_way_in(cluster)
    machine.answer("openssl x509", failing_program("Certificate will expire"))
    with pytest.raises(Failed, match=r"has ended, or cannot be read: it lives for two days. Run `pulumi up` again"):
        node.join("an API server")
    assert not called(machine, "kubeadm", "join")


def test_a_node_that_the_cluster_knows_does_nothing(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    open_way_in(cluster)
    cluster.node("a")
    give_identity(machine)
    node.join("an API server")
    assert machine.lines == ["already a node of the cluster"]
    assert not called(machine, "kubeadm")


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_cluster_that_refuses_the_kubelet_does_not_know_it(
    machine: FakeMachine, cluster: KubernetesServer, code: int
) -> None:
    node = node_of(machine, cluster)
    give_identity(machine)
    cluster.refuse("GET", "/api/v1/nodes/a", status(code, "no"))
    assert not node.is_known()


def test_nobody_answering_never_means_that_the_node_is_unknown(machine: FakeMachine, cluster: KubernetesServer) -> None:
    """The shell resets a node here."""
    node = node_of(machine, cluster)
    open_way_in(cluster)
    give_identity(machine)
    cluster.refuse("GET", "/api/v1/nodes/a", status(503, "later"))
    with pytest.raises(Failed, match="cannot find out whether the cluster knows the node a: HTTP status 503"):
        node.join("an API server")
    assert not called(machine, "kubeadm")


def test_what_an_interrupted_join_left_is_removed(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    node.forget_half_join()
    assert not called(machine, "kubeadm")
    machine.write(BOOTSTRAP_KUBELET, "half")
    node.forget_half_join()
    assert called(machine, "kubeadm", "reset", "--force")


def test_registered_means_by_the_kubelets_own_certificate(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    with pytest.raises(NotYet, match="no kubeconfig or no certificate"):
        node.is_registered()
    give_identity(machine)
    with pytest.raises(NotYet, match="not found"):
        node.is_registered()
    cluster.node("a")
    node.is_registered()
    assert cluster.asked[-1].user == "system:node:a"


def test_a_kubeconfig_that_a_power_cut_left_empty_is_none(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    node.mark_joined()
    machine.write(KUBELET_KUBECONFIG, "")
    assert not has_joined(machine)
    machine.write(KUBELET_KUBECONFIG, "kind: Config\n")
    assert has_joined(machine)
    joined_mark(machine).unlink()
    assert not has_joined(machine)


def test_a_pair_is_a_certificate_and_its_key(machine: FakeMachine, cluster: KubernetesServer) -> None:
    both = certificate("system:node:a").read_text()
    for content in ("", "\0" * 900, both[:300], both.partition("-----BEGIN PRIVATE KEY")[0]):
        assert not is_pair(machine.write("/pair.pem", content))
    assert not is_pair(machine.path("/nothing.pem"))
    assert is_pair(machine.write("/pair.pem", both))


def test_the_kubelet_is_started_once(machine: FakeMachine, cluster: KubernetesServer) -> None:
    node = node_of(machine, cluster)
    machine.answer("systemctl is-active", failing_program("", 3))
    machine.answer("systemctl is-enabled", failing_program("", 1))
    node.run_kubelet()
    assert [call[-1] for call in called(machine, "systemctl", "start")] == ["kubelet.service"]
    machine.calls.clear()
    machine.answer("systemctl is-active")
    machine.answer("systemctl is-enabled")
    node.run_kubelet()
    assert not called(machine, "systemctl", "start")


def test_what_was_written_is_on_the_disk_before_the_mark(
    machine: FakeMachine, cluster: KubernetesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = node_of(machine, cluster)
    give_identity(machine)
    # Its making is of another module.
    machine.state.mkdir()
    synced = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append(str(path).removeprefix(str(machine.root.resolve())))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    node.mark_joined()
    assert synced[:-2] == [
        "/etc/kubernetes/kubelet.conf", "/etc/kubernetes", "/var/lib/kubelet",
        "/var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem",
        "/var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem", "/var/lib/kubelet/pki",
    ]  # fmt: skip
    node.mark_joined()
    assert len(synced) == 8
