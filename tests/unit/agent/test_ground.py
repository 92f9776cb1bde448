"""What every machine gets: all steps in their order, and a second run that changes nothing."""

import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system.apt_sources import AptSources
from agent.system.firewall import Firewall
from agent.system.ground import APT_PROXY, ENVIRONMENT, JOURNAL, Base, Ground, MachineState
from agent.system.kernel import Kernel
from agent.system.login import Login
from agent.system.packages import DesiredPackages
from tests.unit.agent.fake_machine import FakeMachine, FakeSystemd

BASE = Base(
    login=Login(pwd.getpwuid(os.geteuid()).pw_name, ("ssh-ed25519 AAAA pulumi",)),
    sshd_config="UseDNS no\n",
    journald_config="[Journal]\nStorage=persistent\n",
    kernel=Kernel(),
    environment="http_proxy=http://proxy:3128\n",
    apt_proxy='Acquire::http::Proxy "http://proxy:3128";\n',
)


STATE = MachineState("gateway-0", "10.0.0.11", BASE, DesiredPackages((), AptSources()), Firewall("", ""))


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    machine = FakeMachine(tmp_path)
    for words in ("sshd -t", "modprobe"):
        machine.answer(words)
    machine.answer("cloud-init", "status: done\n")
    machine.answer("systemd-detect-virt", "lxc\n")
    return machine


def prepare(machine: FakeMachine, base: Base = BASE) -> None:
    ground = Ground(machine, replace(STATE, base=base))
    ground.packages.install = lambda: machine.log("installing")  # type: ignore[method-assign]
    ground.prepare()


def test_all_steps_in_their_order(machine: FakeMachine) -> None:
    systemd = FakeSystemd(machine)
    prepare(machine)
    assert machine.steps == ["cloud-init", "login", "ssh", "proxy", "packages", "time", "journal", "kernel", "clock"]
    assert ("packages", "installing") in machine.logged
    assert "http_proxy=http://proxy:3128\n" in machine.path(ENVIRONMENT).read_text()
    assert machine.path(APT_PROXY).exists()
    assert machine.path(JOURNAL).read_text() == BASE.journald_config
    assert systemd.states == {"ssh.service": "active", "systemd-journald.service": "active"}
    # Again.
    systemd.calls.clear()
    machine.lines.clear()
    prepare(machine)
    assert systemd.calls == []
    assert [line for line in machine.lines if "wrote" in line] == []


def test_a_proxy_that_is_gone(machine: FakeMachine) -> None:
    FakeSystemd(machine)
    machine.write(ENVIRONMENT, "LANG=C.UTF-8\n")
    prepare(machine)
    assert machine.path(APT_PROXY).exists()
    prepare(machine, replace(BASE, environment="", apt_proxy=""))
    assert machine.path(ENVIRONMENT).read_text() == "LANG=C.UTF-8\n"
    assert not machine.path(APT_PROXY).exists()


def test_a_step_that_fails_is_the_last_one(machine: FakeMachine) -> None:
    FakeSystemd(machine)
    machine.answer("sshd -t", Ended(255, "bad"))
    with pytest.raises(Failed):
        prepare(machine)
    assert machine.step_name == "ssh"
    assert "installing" not in machine.said
