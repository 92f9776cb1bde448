"""When certificates are renewed."""

from dataclasses import replace

import pytest

from agent.kubernetes.renewal import Renewal
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import node_of, settings
from tests.unit.agent.kubernetes_server import KubernetesServer, certificate


def renewal(
    machine: FakeMachine, cluster: KubernetesServer, seconds: int = 3600, epoch: str = "", at_work: bool = True
) -> Renewal:
    machine.state.mkdir(parents=True, exist_ok=True)
    wanted = replace(settings(cluster), generation="2", epoch=epoch, renewal_seconds=seconds)
    return Renewal(node_of(machine, cluster, at_work=at_work, wanted=wanted))


def test_a_good_one_stays(machine: FakeMachine, cluster: KubernetesServer) -> None:
    good = certificate("system:node:a")
    assert renewal(machine, cluster).reason(good) == ""
    assert renewal(machine, cluster, 30 * 86400).reason(good).startswith("ends on ")
    assert renewal(machine, cluster).reason(machine.path("/nothing")) == "is not there"
    assert renewal(machine, cluster).reason(machine.write("/empty", "")) == "is not there"


def test_an_authority_that_issues_no_more(machine: FakeMachine, cluster: KubernetesServer) -> None:
    other = certificate("kube-apiserver", "IP:127.0.0.1").read_text()
    reason = renewal(machine, cluster).reason(certificate("system:node:a"), other)
    assert reason == "was issued by other authorities than generation 2"


@pytest.mark.parametrize(("at_work", "expected"), [(True, "is of another epoch than 'spring'"), (False, "")])
def test_an_epoch_renews_each_certificate_once(
    machine: FakeMachine, cluster: KubernetesServer, at_work: bool, expected: str
) -> None:
    mine = renewal(machine, cluster, epoch="spring", at_work=at_work)
    assert mine.reason(certificate("system:node:a")) == expected
    mine.end_epoch()
    assert mine.reason(certificate("system:node:a")) == ""


def test_one_that_cannot_be_read_ends_soon(machine: FakeMachine, cluster: KubernetesServer) -> None:
    mine = renewal(machine, cluster)
    assert mine.ends_soon(machine.write("/empty", ""))
    assert not mine.ends_soon(certificate("system:node:a"))
