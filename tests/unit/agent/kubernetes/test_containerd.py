"""containerd's configuration, and its changes."""

import pytest

from agent.kubernetes.containerd import CONFIGURATION, PROXY, Containerd, ContainerdSettings, Registry, change_runtime
from agent.machine import Failed
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import Recorded, called, failing_program

WANTED = ContainerdSettings(
    "restrict = @RESTRICT_OOM_SCORE_ADJ@\n", (Registry("docker.io", "server = x\n"),), "[Service]\n"
)


def containerd(
    machine: FakeMachine, bounding: str = "000001ffffffffff", wanted: ContainerdSettings = WANTED
) -> Containerd:
    machine.write("/proc/self/status", f"Name:\tcat\nCapBnd:\t{bounding}\n")
    machine.answer("containerd --config", "version = 2\n")
    machine.answer("systemctl")
    machine.answer("ctr version")
    return Containerd(machine, wanted)


@pytest.mark.parametrize(("bounding", "expected"), [("000001ffffffffff", "false"), ("00000000a80425fb", "true")])
def test_a_container_may_not_make_processes_harder_to_kill(machine: FakeMachine, bounding: str, expected: str) -> None:
    containerd(machine, bounding).configure()
    assert machine.path(CONFIGURATION).read_text() == f"restrict = {expected}\n"
    assert machine.path("/etc/containerd/certs.d/docker.io/hosts.toml").read_text() == "server = x\n"
    assert machine.path(PROXY).read_text() == "[Service]\n"


def test_an_image_is_baked_without_a_proxy(machine: FakeMachine) -> None:
    machine.write(PROXY, "of somebody\n")
    containerd(machine, wanted=ContainerdSettings("")).configure()
    assert machine.path(PROXY).exists()
    containerd(machine, wanted=ContainerdSettings("", proxy="")).configure()
    assert not machine.path(PROXY).exists()


def test_a_configuration_that_it_does_not_take_stays_out(machine: FakeMachine) -> None:
    mine = containerd(machine)
    machine.answer("containerd --config", failing_program("toml: no"))
    with pytest.raises(Failed, match="would not be valid, the old one stays: toml: no"):
        mine.converge()
    assert not machine.path(CONFIGURATION).exists()
    assert not called(machine, "systemctl")


def test_it_answers_in_the_end(machine: FakeMachine) -> None:
    mine = containerd(machine)
    mine.converge()
    machine.answer("ctr version", failing_program("no socket"))
    with pytest.raises(Failed, match="waited 60 s for containerd to answer; last seen: no socket"):
        mine.converge()


def test_other_packages_change_while_no_pods_are_here(machine: FakeMachine) -> None:
    mine, recorded = containerd(machine), Recorded()
    change_runtime(mine, recorded, recorded, recorded)
    assert recorded.done == []
    recorded.waits, recorded.epoch = "runc 1.2", "spring"
    change_runtime(mine, recorded, recorded, recorded)
    assert recorded.done == [
        "fetch",
        "begin runc 1.2, the epoch spring drained",
        "change containerd runc",
        "renew",
        "end epoch",
    ]
    assert called(machine, "systemctl", "restart", "containerd.service")


def test_an_epoch_alone_is_a_change(machine: FakeMachine) -> None:
    mine, recorded = containerd(machine), Recorded()
    recorded.epoch = "spring"
    change_runtime(mine, recorded, recorded, recorded)
    assert recorded.done[1] == "begin the epoch spring drained"


def test_an_epoch_is_not_over_when_containerd_does_not_answer(machine: FakeMachine) -> None:
    mine, recorded = containerd(machine), Recorded()
    recorded.epoch = "spring"
    machine.answer("ctr version", failing_program("no socket"))
    with pytest.raises(Failed, match="containerd to answer"):
        change_runtime(mine, recorded, recorded, recorded)
    assert "end epoch" not in recorded.done
