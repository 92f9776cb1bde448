"""The kubelet's certificate: asked for, renewed, and made again after a power cut."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.kubernetes import kubeconfig
from agent.kubernetes.authorities import NodeAuthorities
from agent.kubernetes.kubelet_certificates import KubeletCertificates
from agent.kubernetes.node import KUBELET_KUBECONFIG, is_pair
from agent.kubernetes.rollout import KUBELET_CERTIFICATE
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import (
    CSR,
    called,
    failing_program,
    give_identity,
    node_of,
    openssl,
    settings,
    signs,
)
from tests.unit.agent.kubernetes.node_support import kubeconfig as made_kubeconfig
from tests.unit.agent.kubernetes_server import KubernetesServer, certificate, status

SERVING = "/var/lib/kubelet/pki/kubelet.crt"


def certificates(
    machine: FakeMachine, cluster: KubernetesServer, at_work: bool = True, bootstrap: bool = True, epoch: str = ""
) -> KubeletCertificates:
    wanted = replace(settings(cluster, bootstrap), epoch=epoch)
    node = node_of(machine, cluster, at_work=at_work, wanted=wanted)
    machine.state.mkdir(parents=True, exist_ok=True)
    machine.path("/var/lib/kubelet/pki").mkdir(parents=True, exist_ok=True)
    return KubeletCertificates(node)


def restarts(machine: FakeMachine) -> int:
    return len(called(machine, "systemctl", "restart", "kubelet.service"))


def test_a_good_certificate_stays(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster)
    give_identity(machine)
    mine.repair()
    assert machine.lines == []
    assert restarts(machine) == 0


def test_a_new_machine_has_nothing_to_repair(machine: FakeMachine, cluster: KubernetesServer) -> None:
    certificates(machine, cluster, at_work=False).repair()
    assert machine.calls == []


@pytest.mark.parametrize("content", ["", "\0" * 2000], ids=["empty", "zeros"])
def test_an_empty_certificate_after_a_power_cut_is_made_again(
    machine: FakeMachine, cluster: KubernetesServer, tmp_path: Path, content: str
) -> None:
    """The shell fails in the step "node" here, with each `up`."""
    mine = certificates(machine, cluster)
    give_identity(machine, content)
    cluster.hooks.append(signs(cluster, tmp_path))
    mine.repair()
    assert is_pair(machine.path(KUBELET_CERTIFICATE))
    assert [one.user for one in cluster.asked if one.method == "POST"] == ["joining"]
    assert restarts(machine) == 1


def test_the_kubelets_earlier_certificate_will_do(machine: FakeMachine, cluster: KubernetesServer) -> None:
    """The kubelet was rotating when the power went: what it has kept is still valid, and no other one is needed."""
    mine = certificates(machine, cluster, bootstrap=False)
    give_identity(machine, "")
    earlier = machine.write(
        "/var/lib/kubelet/pki/kubelet-client-2025-12-01-00-00-00.pem", certificate("system:node:a").read_text()
    )
    mine.repair()
    assert machine.path(KUBELET_CERTIFICATE).resolve() == earlier
    assert restarts(machine) == 1


def test_an_earlier_certificate_that_has_ended_will_not(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster, bootstrap=False)
    give_identity(machine, "")
    machine.write(
        "/var/lib/kubelet/pki/kubelet-client-2025-12-01-00-00-00.pem", certificate("system:node:a").read_text()
    )
    machine.answer("openssl x509", failing_program("Certificate will expire"))
    with pytest.raises(Failed, match="the kubelet has no certificate any more"):
        mine.repair()
    assert restarts(machine) == 0


def test_an_earlier_certificate_of_another_authority_will_not(
    machine: FakeMachine, cluster: KubernetesServer, tmp_path: Path
) -> None:
    mine = certificates(machine, cluster, bootstrap=False)
    give_identity(machine, "")
    words = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other")
    openssl(tmp_path, "req", "-x509", *words, "-keyout", "key", "-out", "crt")
    both = (tmp_path / "crt").read_text() + (tmp_path / "key").read_text()
    machine.write("/var/lib/kubelet/pki/kubelet-client-2025-12-01-00-00-00.pem", both)
    with pytest.raises(Failed, match="the kubelet has no certificate any more"):
        mine.repair()


def test_a_control_plane_makes_it_itself(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster, bootstrap=False)
    give_identity(machine, "")
    cert, _, key = certificate("system:node:a").read_text().partition("-----BEGIN PRIVATE KEY")
    mine.repair(lambda: (cert, f"-----BEGIN PRIVATE KEY{key}"))
    assert is_pair(machine.path(KUBELET_CERTIFICATE))
    assert cluster.asked == []


def test_a_serving_certificate_that_is_empty_goes(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster)
    give_identity(machine)
    machine.write(SERVING, "")
    mine.repair()
    assert not machine.path(SERVING).exists()
    assert restarts(machine) == 1


def test_the_certificate_is_that_of_the_authority_which_issues(
    machine: FakeMachine, cluster: KubernetesServer, tmp_path: Path
) -> None:
    mine = certificates(machine, cluster)
    give_identity(machine)
    other = tmp_path / "other.crt"
    words = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other")
    openssl(tmp_path, "req", "-x509", *words, "-keyout", "other.key", "-out", "other.crt")
    cluster.hooks.append(signs(cluster, tmp_path, other))
    machine.clock.after(30, lambda: cluster.hooks.__setitem__(0, signs(cluster, tmp_path)))
    mine.request(mine.node.apis.kubelet())
    asked = [one for one in cluster.asked if one.method == "POST"]
    assert len(asked) > 1
    assert asked[0].body["spec"]["signerName"] == "kubernetes.io/kube-apiserver-client-kubelet"
    assert asked[0].body["spec"]["usages"] == ["digital signature", "client auth"]
    assert machine.path(KUBELET_CERTIFICATE).stat().st_mode & 0o777 == 0o600
    assert not [call for call in machine.calls if "PRIVATE KEY" in " ".join(call)]


def test_a_request_that_nobody_answers(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.signs = False
    mine = certificates(machine, cluster)
    give_identity(machine)
    with pytest.raises(
        Failed, match=r"waited 180 s for the cluster to issue the kubelet's certificate; last seen: .*not"
    ):
        mine.request(mine.node.apis.kubelet())
    cluster.refuse("POST", CSR, status(403, "may not"))
    with pytest.raises(Failed, match="may not"):
        mine.request(mine.node.apis.kubelet())


def test_an_answer_that_is_no_certificate(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster)
    give_identity(machine)
    before = machine.path(KUBELET_CERTIFICATE).read_text()
    cluster.hooks.append(
        lambda asked: (201, cluster.put(f"{CSR}/{asked.body['metadata']['name']}", {"status": {"certificate": "%%"}}))
        if asked.method == "POST"
        else None
    )
    with pytest.raises(Failed, match=r"last seen: the answer to the request openstack-paas-a-.* is no certificate"):
        mine.request(mine.node.apis.kubelet())
    assert machine.path(KUBELET_CERTIFICATE).read_text() == before


def test_what_the_kubelet_trusts(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster)
    machine.write(KUBELET_KUBECONFIG, made_kubeconfig("another", "127.0.0.1:6443"))
    mine.trust()
    assert kubeconfig.embeds(machine.path(KUBELET_KUBECONFIG).read_text(), cluster.ca.read_text())
    assert machine.path("/etc/kubernetes/pki/ca.crt").read_text() == cluster.ca.read_text()
    assert mine.lags.exists()
    mine.lags.unlink()
    mine.trust()
    assert not mine.lags.exists()


def test_a_kubelet_that_asks_the_gateways_asks_its_own_machine(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster)
    machine.write(KUBELET_KUBECONFIG, made_kubeconfig("x", "192.0.2.5:6443"))
    cluster.refuse("GET", "/readyz", status(500, "no"))
    with pytest.raises(Failed, match="through this machine's balancer"):
        mine.follow_endpoint()
    assert "192.0.2.5" in machine.path(KUBELET_KUBECONFIG).read_text()
    assert not mine.lags.exists()
    cluster.hooks.clear()
    mine.follow_endpoint()
    assert f"    server: https://{cluster.endpoint}\n" in machine.path(KUBELET_KUBECONFIG).read_text()
    assert mine.lags.exists()
    cluster.asked.clear()
    mine.follow_endpoint()
    assert cluster.asked == []


def test_a_serving_certificate_that_ends_soon_goes(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster)
    mine.renew_serving()
    machine.write(SERVING, certificate("serving").read_text())
    mine.renew_serving()
    assert machine.path(SERVING).exists()
    machine.answer("openssl x509", failing_program("Certificate will expire"))
    mine.renew_serving()
    assert not machine.path(SERVING).exists()
    assert mine.lags.exists()


def test_a_new_epoch_renews_the_serving_certificate(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster, epoch="spring")
    machine.write(SERVING, certificate("serving").read_text())
    mine.renew_serving()
    assert "is of another epoch than 'spring'" in machine.said
    assert not machine.path(SERVING).exists()


def test_a_kubelet_that_lags_is_restarted_until_its_node_is_ready(
    machine: FakeMachine, cluster: KubernetesServer
) -> None:
    mine = certificates(machine, cluster)
    give_identity(machine)
    mine.end_lag()
    assert restarts(machine) == 0
    mine.lag()
    cluster.node("a", ready="False")
    machine.clock.after(30, lambda: cluster.node("a"))
    mine.end_lag()
    assert restarts(machine) == 1
    assert not mine.lags.exists()


def test_a_kubelet_that_does_not_come_back_still_lags(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = certificates(machine, cluster)
    give_identity(machine)
    mine.lag()
    cluster.node("a", ready="False")
    with pytest.raises(Failed, match="the node a to be ready"):
        mine.end_lag()
    assert mine.lags.exists()


def test_everything_of_a_worker(machine: FakeMachine, cluster: KubernetesServer, tmp_path: Path) -> None:
    mine = certificates(machine, cluster, epoch="spring")
    give_identity(machine)
    machine.write(KUBELET_KUBECONFIG, made_kubeconfig(cluster.ca.read_text(), cluster.endpoint))
    cluster.node("a")
    cluster.hooks.append(signs(cluster, tmp_path))
    followed = []
    authorities = NodeAuthorities.__new__(NodeAuthorities)
    authorities.follow_authorities = lambda: followed.append("pods")  # type: ignore[method-assign]
    mine.renew_worker(authorities)
    assert "the kubelet's certificate is of another epoch than 'spring'" in machine.said
    assert [one.user for one in cluster.asked if one.method == "POST"] == ["system:node:a"]
    assert (restarts(machine), followed) == (1, ["pods"])
    machine.calls.clear()
    mine.renew_worker(authorities)
    assert restarts(machine) == 0
