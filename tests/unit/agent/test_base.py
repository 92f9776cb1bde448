"""What every machine gets: all steps in their order, and a second run that changes nothing."""

import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system import base
from agent.system.base import Base
from agent.system.kernel import Kernel
from agent.system.login import Login
from tests.unit.agent.fake_machine import FakeMachine, FakeSystemd

BASE = Base(
    login=Login(pwd.getpwuid(os.geteuid()).pw_name, ("ssh-ed25519 AAAA pulumi",)),
    sshd_config="UseDNS no\n",
    journald_config="[Journal]\nStorage=persistent\n",
    kernel=Kernel(),
    environment="http_proxy=http://proxy:3128\n",
    apt_proxy='Acquire::http::Proxy "http://proxy:3128";\n',
)


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    machine = FakeMachine(tmp_path)
    for words in ("sshd -t", "modprobe"):
        machine.answer(words)
    machine.answer("cloud-init", "status: done\n")
    machine.answer("systemd-detect-virt", "lxc\n")
    return machine


def test_all_steps_in_their_order(machine: FakeMachine) -> None:
    systemd = FakeSystemd(machine)
    base.prepare(machine, BASE, lambda: machine.log("installing"))
    assert machine.steps == ["cloud-init", "login", "ssh", "proxy", "packages", "time", "journal", "kernel", "clock"]
    assert ("packages", "installing") in machine.logged
    assert "http_proxy=http://proxy:3128\n" in machine.path(base.ENVIRONMENT).read_text()
    assert machine.path(base.APT_PROXY).exists()
    assert machine.path(base.JOURNAL).read_text() == BASE.journald_config
    assert systemd.states == {"ssh.service": "active", "systemd-journald.service": "active"}
    # Again.
    systemd.calls.clear()
    machine.lines.clear()
    base.prepare(machine, BASE, lambda: None)
    assert systemd.calls == []
    assert [line for line in machine.lines if "wrote" in line] == []


def test_a_proxy_that_is_gone(machine: FakeMachine) -> None:
    machine.write(base.ENVIRONMENT, "LANG=C.UTF-8\n")
    base.write_proxy(machine, BASE)
    base.write_proxy(machine, replace(BASE, environment="", apt_proxy=""))
    assert machine.path(base.ENVIRONMENT).read_text() == "LANG=C.UTF-8\n"
    assert not machine.path(base.APT_PROXY).exists()


def test_a_step_that_fails_is_the_last_one(machine: FakeMachine) -> None:
    FakeSystemd(machine)
    machine.answer("sshd -t", Ended(255, "bad"))
    with pytest.raises(Failed):
        base.prepare(machine, BASE, lambda: machine.log("installing"))
    assert machine.step_name == "ssh"
    assert "installing" not in machine.said
