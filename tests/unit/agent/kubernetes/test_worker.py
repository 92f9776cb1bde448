"""A worker from its first run to one that changes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.kubernetes.node import KUBELET_KUBECONFIG
from agent.kubernetes.upgrade import Plan
from agent.kubernetes.worker import BALANCER, Worker, WorkerSettings
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import (
    CLUSTER_INFO,
    FakeApis,
    Recorded,
    called,
    failing_program,
    give_identity,
    kubeconfig,
    node_of,
    openssl,
    settings,
)
from tests.unit.agent.kubernetes_server import KubernetesServer


def worker(
    machine: FakeMachine, cluster: KubernetesServer, recorded: Recorded, at_work: bool, bootstrap: bool = True
) -> Worker:
    node_of(machine, cluster)
    for program in ("haproxy", "containerd", "ctr"):
        machine.answer(program)
    machine.answer("systemctl show", "active\n")
    for unit in ("keepalived", "etcd"):
        machine.answer(f"systemctl is-enabled --quiet {unit}.service", failing_program("", 1))
    machine.write("/proc/self/status", "CapBnd:\t0\n")
    wanted = WorkerSettings(
        **vars(replace(settings(cluster, bootstrap), labels=("pool=x",))),
        volume_folder="/srv/volumes",
        balancer="listen api\n",
        balancer_unit="[Unit]\n",
        volumes_service="[Service]\n",
        volumes_path="[Path]\n",
    )
    plan = Plan(True, "1.36.5", ("containerd", "runc")) if at_work else Plan()
    recorded.machine = machine
    return Worker(recorded, wanted, plan, FakeApis(machine, cluster))


def joins(machine: FakeMachine, cluster: KubernetesServer) -> None:
    """What kubeadm's join does, in short."""

    def join(call: tuple[str, ...], given: str) -> None:
        give_identity(machine)
        machine.write(KUBELET_KUBECONFIG, kubeconfig(cluster.ca.read_text(), cluster.endpoint))
        machine.write("/var/lib/kubelet/kubeadm-flags.env", 'KUBELET_KUBEADM_ARGS="--node-labels=pool=x"\n')
        cluster.node("a")["metadata"]["labels"]["pool"] = "x"

    machine.answer("kubeadm join", join)


def test_a_new_machine_becomes_a_node(machine: FakeMachine, cluster: KubernetesServer) -> None:
    recorded = Recorded()
    new = worker(machine, cluster, recorded, at_work=False)
    joins(machine, cluster)
    cluster.put(CLUSTER_INFO, {"metadata": {}})
    new.converge()
    assert recorded.done == ["prepare", "renew new machine", "firewall"]
    assert (machine.state / "joined").exists()
    assert not machine.path("/opt/openstack-paas/worker/bootstrap.key").exists()
    assert machine.lines[-1] == "ready"
    assert machine.step_name == "worker"


def test_a_node_that_runs_changes_nothing(machine: FakeMachine, cluster: KubernetesServer) -> None:
    recorded = Recorded()
    new = worker(machine, cluster, recorded, at_work=False)
    joins(machine, cluster)
    cluster.put(CLUSTER_INFO, {"metadata": {}})
    new.converge()
    machine.calls.clear()
    machine.lines.clear()
    cluster.asked.clear()
    again = worker(machine, cluster, Recorded(), at_work=True, bootstrap=False)
    again.converge()
    assert not called(machine, "kubeadm")
    assert not called(machine, "systemctl", "restart")
    # What the node's pods know is recorded again.
    assert cluster.changes == ["PATCH nodes/a"]
    assert not [line for line in machine.lines if not line.startswith("done in") and line != "ready"]


def test_the_steps_and_their_order(machine: FakeMachine, cluster: KubernetesServer) -> None:
    names = [name for name, _ in worker(machine, cluster, Recorded(), at_work=False).steps()]
    assert names == [
        "epoch", "unused services", "firewall", "API's balancer", "volumes", "volumes' folders", "containerd",
        "authorities", "kubelet's certificate", "node", "runtime", "API's balancer", "upgrade", "own certificates",
        "registration", "gate",
    ]  # fmt: skip


def test_a_balancer_that_haproxy_does_not_take(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = worker(machine, cluster, Recorded(), at_work=True)
    machine.write(BALANCER, "the old one\n")
    machine.answer("haproxy -c", failing_program("unknown keyword"))
    with pytest.raises(Failed, match="would not be valid, the old one stays: unknown keyword"):
        mine.balance_api()
    assert machine.path(BALANCER).read_text() == "the old one\n"


def test_a_new_machine_whose_api_does_not_answer(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = worker(machine, cluster, Recorded(), at_work=False)
    with pytest.raises(Failed, match="waited 300 s for an API server to answer through this machine's balancer"):
        mine.become_node()
    assert not (machine.state / "joined").exists()


def test_a_node_that_runs_changes_its_runtime_in_its_turn(machine: FakeMachine, cluster: KubernetesServer) -> None:
    recorded = Recorded()
    recorded.waits = "runc 1.2"
    cluster.node("a")
    give_identity(machine)
    worker(machine, cluster, recorded, at_work=False).change_runtime()
    assert recorded.done == []
    mine = worker(machine, cluster, recorded, at_work=True)
    mine.change_runtime()
    assert recorded.done == ["fetch", "change containerd runc", "renew", "end epoch"]
    assert "openstack-paas/change" in cluster.objects["/api/v1/nodes/a"]["metadata"]["annotations"]
    mine.end_change()
    assert "openstack-paas/change" not in cluster.objects["/api/v1/nodes/a"]["metadata"]["annotations"]


def test_authorities_may_not_skip_a_stage(machine: FakeMachine, cluster: KubernetesServer, tmp_path: Path) -> None:
    words = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other")
    openssl(tmp_path, "req", "-x509", *words, "-keyout", "other.key", "-out", "other.crt")
    machine.write("/etc/kubernetes/pki/ca.crt", (tmp_path / "other.crt").read_text())
    with pytest.raises(Failed, match="does not yet trust the authorities of generation 1"):
        worker(machine, cluster, Recorded(), at_work=True).authorities.guard_authorities()
