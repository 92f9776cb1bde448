"""Epochs, and what waits in words."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system.maintenance import Maintenance
from tests.unit.agent.fake_packages import FakePackages

REBOOT = "this machine needs a reboot for what was upgraded; it does not reboot by itself"


def make(root: Path, epoch: str = "2026-11") -> tuple[FakePackages, Maintenance]:
    """A gateway that serves, with another haproxy than wanted."""
    fake = FakePackages(root)
    fake.installed = {
        "haproxy": ("installed", "hold", "2.6.12-1"),
        "keepalived": ("installed", "hold", "1:2.2.7-1+b2"),
    }
    fake.offered = {"haproxy": ("2.6.14-1",)}
    packages = fake.packages("haproxy=2.6.14-1", "keepalived", deferred=("haproxy", "keepalived"), epoch=epoch)
    packages.look()
    return fake, Maintenance(fake.machine, packages)


def test_what_waits_in_words(tmp_path: Path) -> None:
    _, maintenance = make(tmp_path)
    assert maintenance.what_waits() == "haproxy 2.6.14-1, the epoch 2026-11"
    assert maintenance.what_waits("haproxy") == "haproxy 2.6.14-1"
    assert maintenance.what_waits("keepalived") == ""
    _, maintenance = make(tmp_path, epoch="")
    assert maintenance.what_waits() == "haproxy 2.6.14-1"


def test_everything_is_fetched_before_the_turn(tmp_path: Path) -> None:
    fake, maintenance = make(tmp_path)
    maintenance.fetch()
    fetched = ["update", "install --download-only haproxy=2.6.14-1", "upgrade --with-new-pkgs --download-only"]
    assert fake.changes == fetched
    fake, maintenance = make(tmp_path, epoch="")
    maintenance.fetch()
    assert fake.changes == fetched[:2]


def test_what_cannot_be_fetched_before_is_only_said(tmp_path: Path) -> None:
    fake, maintenance = make(tmp_path)
    fake.machine.answer("apt-get upgrade", Ended(100, "", "E: Unable to fetch some archives"))
    maintenance.fetch()
    assert fake.machine.lines == ["not everything could be fetched before: E: Unable to fetch some archives"]


def test_an_epoch_is_gone_through_once(tmp_path: Path) -> None:
    fake, maintenance = make(tmp_path)
    maintenance.renew()
    assert fake.taken_changes() == ["update", "upgrade --with-new-pkgs", "install --only-upgrade keepalived"]
    # Debian restarts what it upgrades; what the role has, the role restarts.
    assert fake.starts == [True, True, False]
    assert maintenance.epoch_waits()
    maintenance.end_epoch()
    assert not maintenance.epoch_waits()
    assert (fake.machine.state / "maintenance-epoch").read_text() == "2026-11\n"
    maintenance.renew()
    maintenance.end_epoch()
    assert fake.taken_changes() == []


def test_an_epoch_that_fails_is_not_over(tmp_path: Path) -> None:
    fake, maintenance = make(tmp_path)
    fake.machine.answer("apt-get upgrade", Ended(100, "", "E: broken"))
    with pytest.raises(Failed, match="apt cannot upgrade: E: broken"):
        maintenance.renew_new_machine()
    assert maintenance.epoch_waits()


def test_a_new_machine_goes_through_the_epoch_at_once(tmp_path: Path) -> None:
    fake, maintenance = make(tmp_path)
    maintenance.renew_new_machine()
    assert not maintenance.epoch_waits()
    assert fake.machine.lines == ["the epoch 2026-11: every package to what the sources offer"]
    fake, maintenance = make(tmp_path, epoch="")
    maintenance.renew_new_machine()
    assert fake.changes == []


@pytest.mark.parametrize(
    ("running", "kernels", "said"),
    [
        ("6.1.0-9-amd64", ("6.1.0-9-amd64", "6.1.0-18-amd64"), True),
        ("6.1.0-18-amd64", ("6.1.0-9-amd64", "6.1.0-18-amd64"), False),
        ("6.1.0-18-amd64", ("6.1.0-20-amd64",), False),
        ("6.1.0-18-amd64", (), False),
    ],
)
def test_a_newer_kernel_is_announced(tmp_path: Path, running: str, kernels: tuple[str, ...], said: bool) -> None:
    """A container runs the kernel of its host, which its own /boot does not have."""
    fake, maintenance = make(tmp_path)
    release = fake.machine.path("/proc/sys/kernel/osrelease")
    release.parent.mkdir(parents=True)
    release.write_text(f"{running}\n")
    fake.machine.path("/boot").mkdir()
    for kernel in kernels:
        fake.machine.path(f"/boot/vmlinuz-{kernel}").touch()
    maintenance.end_epoch()
    assert fake.machine.lines == ([REBOOT] if said else [])


def test_a_reboot_that_debian_asks_for_is_announced(tmp_path: Path) -> None:
    fake, maintenance = make(tmp_path)
    fake.machine.path("/run").mkdir()
    fake.machine.path("/run/reboot-required").touch()
    maintenance.end_epoch()
    assert fake.machine.lines == [REBOOT]
