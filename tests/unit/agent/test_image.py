"""Baking an image, in a chroot without systemd."""

from pathlib import Path

from agent.kubernetes.containerd import CONFIGURATION, ContainerdSettings, Registry
from agent.roles import image
from tests.unit.agent.fake_packages import FakePackages, desired


def test_everything_is_installed_and_nothing_is_enabled(tmp_path: Path) -> None:
    fake = FakePackages(tmp_path)
    machine = fake.machine
    machine.write("/proc/self/status", "CapBnd:\t000001ffffffffff\n")
    machine.answer("containerd --config")
    enabled = {"containerd.service", "haproxy.service"}
    machine.answer("systemctl is-enabled", lambda words, _: 0 if words[-1] in enabled else 1)
    machine.answer("systemctl --quiet disable", lambda words, _: enabled.discard(words[-1]))
    wanted = image.State(desired("haproxy", "chrony"), ContainerdSettings("x\n", (Registry("docker.io", "y\n"),)))
    command = image.COMMANDS["converge"]
    assert command.state is image.State and command.alone
    command.run(machine, wanted, {})
    assert machine.steps == ["packages", "containerd", "services"]
    assert fake.installed.keys() == {"haproxy", "chrony"}
    assert fake.starts == [True, False, True], "apt's sources, packages that start nothing, and its cache"
    assert machine.path(CONFIGURATION).read_text() == "x\n"
    assert not enabled
    # Without an init nothing runs that could be stopped.
    assert not machine.called("systemctl stop") and not machine.called("systemctl start")
    assert machine.called("apt-get")[-1] == "apt-get clean"
    assert machine.logged[-1] == ("image", "ready")
    command.run(machine, wanted, {})
    assert fake.taken_changes().count("install haproxy chrony") == 1
