"""A control plane makes its certificates itself: all of them, whatever the reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.kubernetes import kubeconfig
from agent.kubernetes.control_plane_certificates import LEAVES, ControlPlaneCertificates
from agent.kubernetes.kubelet_certificates import KubeletCertificates
from agent.kubernetes.node import is_pair
from agent.kubernetes.rollout import KUBELET_CERTIFICATE
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import (
    called,
    control_plane_settings,
    failing_program,
    give_identity,
    node_of,
)
from tests.unit.agent.kubernetes.node_support import kubeconfig as made_kubeconfig
from tests.unit.agent.kubernetes_server import KubernetesServer, certificate

PKI = "/etc/kubernetes/pki"


def split(user: str) -> tuple[str, str]:
    cert, _, key = certificate(user, "IP:127.0.0.1").read_text().partition("-----BEGIN PRIVATE KEY")
    return cert, f"-----BEGIN PRIVATE KEY{key}"


class Case:
    """A control plane that runs, with kubeadm that makes files where its configuration says."""

    def __init__(self, machine: FakeMachine, cluster: KubernetesServer, epoch: str = "", at_work: bool = True) -> None:
        self.machine, self.cluster = machine, cluster
        wanted = replace(control_plane_settings(cluster), epoch=epoch)
        node = node_of(machine, cluster, at_work=at_work, wanted=wanted)
        machine.state.mkdir(parents=True, exist_ok=True)
        self.kubelet = KubeletCertificates(node)
        self.mine = ControlPlaneCertificates(node, wanted, self.kubelet)
        machine.answer("kubeadm init phase", self.kubeadm)
        machine.answer("kubectl")
        give_identity(machine)
        for name in LEAVES:
            cert, key = split(name)
            machine.write(f"{PKI}/{name}.crt", cert)
            machine.write(f"{PKI}/{name}.key", key)
        for name in ("admin", "controller-manager", "scheduler"):
            machine.write(
                f"/etc/kubernetes/{name}.conf", made_kubeconfig(cluster.ca.read_text(), "10.0.0.1:6443", name)
            )

    def kubeadm(self, call: tuple[str, ...], given: str) -> None:
        text = Path(call[-1]).read_text()
        if call[3] == "certs":
            folder = next(line.split()[1] for line in text.splitlines() if line.startswith("certificatesDir:"))
            assert Path(folder, "ca.key").stat().st_mode & 0o777 == 0o600
            cert, key = split(f"new-{call[4]}")
            Path(folder, f"{call[4]}.crt").write_text(cert)
            Path(folder, f"{call[4]}.key").write_text(key)
        elif call[3] == "kubeconfig":
            file = Path(call[call.index("--kubeconfig-dir") + 1], f"{call[4]}.conf")
            file.write_text(made_kubeconfig("one authority alone\n", "10.0.0.1:6443", f"new-{call[4]}"))

    @property
    def phases(self) -> list[str]:
        return [" ".join(call[3:5]) for call in called(self.machine, "kubeadm", "init", "phase")]

    def read(self, path: str) -> str:
        return self.machine.path(path).read_text()


@pytest.fixture
def case(machine: FakeMachine, cluster: KubernetesServer) -> Case:
    return Case(machine, cluster)


def test_good_ones_stay(case: Case) -> None:
    case.mine.renew()
    assert case.mine.reasons() == ()
    assert case.phases == []


def test_one_reason_renews_all(case: Case) -> None:
    case.machine.path(f"{PKI}/front-proxy-client.crt").write_text("")
    case.mine.renew()
    assert "front-proxy-client.crt is not there" in case.machine.lines
    assert case.phases == [
        *(f"certs {name}" for name in LEAVES),
        *(f"kubeconfig {name}" for name in ("admin", "controller-manager", "scheduler", "kubelet")),
        "upload-config kubeadm",
    ]
    assert case.read(f"{PKI}/apiserver.crt") == split("new-apiserver")[0]
    assert case.machine.path(f"{PKI}/apiserver.key").stat().st_mode & 0o777 == 0o600
    scheduler = case.read("/etc/kubernetes/scheduler.conf")
    assert kubeconfig.embeds(scheduler, case.cluster.ca.read_text())
    assert case.read(KUBELET_CERTIFICATE) == certificate("new-kubelet").read_text()
    assert case.kubelet.lags.exists()
    assert not case.machine.path("/etc/kubernetes/super-admin.conf").exists()
    assert not [path for path in case.machine.path("/run").rglob("*") if path.is_file()]
    assert called(case.machine, "kubectl")[-1][-3:] == ("get", "--raw", "/api/v1/nodes/a/proxy/healthz")


def test_other_names_of_the_api_server(case: Case) -> None:
    case.mine.wanted = case.mine.wanted.__class__(
        **{**vars(case.mine.wanted), "api_names": ("127.0.0.1", "api.example")}
    )
    assert case.mine.reasons() == ("the API server is to have other names: 127.0.0.1 api.example",)


def test_a_kubeconfig_and_an_epoch_are_reasons(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster)
    case.machine.write("/etc/kubernetes/scheduler.conf", "")
    case.machine.write("/etc/kubernetes/super-admin.conf", "")
    assert case.mine.reasons() == (
        "the certificate in super-admin.conf is not there",
        "the certificate in scheduler.conf is not there",
    )
    assert len(Case(machine, cluster, "spring").mine.reasons()) == 8


def test_a_kubelet_that_is_not_reached_is_named(case: Case) -> None:
    case.machine.path(f"{PKI}/apiserver.crt").write_text("")
    case.machine.answer("kubectl", failing_program("Unauthorized"))
    with pytest.raises(Failed, match="the API server to reach the kubelet with its new certificate; last seen: Unauth"):
        case.mine.renew()


def test_kubeconfigs_trust_what_is_wanted(case: Case) -> None:
    case.machine.write("/etc/kubernetes/admin.conf", made_kubeconfig("old", "10.0.0.1:6443", "admin"))
    case.mine.embed_authorities()
    assert kubeconfig.embeds(case.read("/etc/kubernetes/admin.conf"), case.cluster.ca.read_text())
    assert case.machine.lines == ["wrote /etc/kubernetes/admin.conf"]


def test_what_a_power_cut_left_empty_is_made_again(case: Case) -> None:
    """The shell waits for an API server here that cannot start."""
    case.machine.write(f"{PKI}/apiserver.crt", "")
    case.machine.write("/etc/kubernetes/admin.conf", "")
    case.machine.write(KUBELET_CERTIFICATE, "")
    case.mine.repair()
    case.kubelet.repair(case.mine.remake_kubelet)
    assert is_pair(case.machine.path(f"{PKI}/apiserver.crt"), case.machine.path(f"{PKI}/apiserver.key"))
    assert "new-admin" not in case.machine.said
    assert kubeconfig.embedded(case.read("/etc/kubernetes/admin.conf"), "client-key-data")
    assert is_pair(case.machine.path(KUBELET_CERTIFICATE))
    assert case.phases == ["certs apiserver", "kubeconfig admin", "kubeconfig kubelet"]
    case.mine.repair()
    assert len(case.phases) == 3


def test_a_new_machine_has_nothing_to_repair(machine: FakeMachine, cluster: KubernetesServer) -> None:
    case = Case(machine, cluster, at_work=False)
    case.machine.write(f"{PKI}/apiserver.crt", "")
    case.mine.repair()
    assert case.phases == []
