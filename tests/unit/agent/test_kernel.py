"""Values of the kernel, on machines and in containers."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.system import kernel
from agent.system.kernel import Kernel
from tests.unit.agent.fake_machine import FakeMachine

KEY, PATH = "net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    machine = FakeMachine(tmp_path)
    # In a container, and where a module is built in, there is nothing to load.
    machine.answer("modprobe", 1)
    return machine


def test_modules_and_values_now_and_at_boot(machine: FakeMachine) -> None:
    machine.write(PATH, "0\n")
    wanted = Kernel(("overlay", "br_netfilter"), (f"{KEY}=1",), "overlay\nbr_netfilter\n", f"-{KEY} = 1\n")
    kernel.apply(machine, wanted)
    assert machine.called("modprobe") == ["modprobe --quiet overlay", "modprobe --quiet br_netfilter"]
    assert machine.path(PATH).read_text() == "1\n"
    assert machine.path(kernel.MODULES_FILE).read_text() == "overlay\nbr_netfilter\n"
    assert machine.path(kernel.VALUES_FILE).read_text() == f"-{KEY} = 1\n"
    kernel.apply(machine, Kernel())
    assert not machine.path(kernel.MODULES_FILE).exists() and not machine.path(kernel.VALUES_FILE).exists()


def test_several_numbers(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.write("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n")
    monkeypatch.setattr(Path, "write_text", never)
    kernel.set_value(machine, "net.ipv4.ip_local_port_range", "32768 60999")


def never(*arguments: object, **options: object) -> int:
    raise OSError(30, "Read-only file system")


def test_a_value_that_cannot_be_written(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.write(PATH, "0\n")
    monkeypatch.setattr(Path, "write_text", never)
    # It is right already.
    kernel.set_value(machine, KEY, "0")
    with pytest.raises(Failed, match=f"cannot set {KEY} to 1, it is 0: Read-only file system"):
        kernel.set_value(machine, KEY, "1")


def test_a_kernel_without_the_key(machine: FakeMachine) -> None:
    kernel.set_value(machine, "net.bridge.bridge-nf-call-iptables", "1")
    assert machine.lines == ["this kernel has no net.bridge.bridge-nf-call-iptables, going on without it"]
