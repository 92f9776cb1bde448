"""What every machine gets, whatever its role, in this order: the steps before a role's own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agent.machine import Machine
from agent.system import cloud_init, files, kernel, login, services, time_sync
from agent.system.kernel import Kernel
from agent.system.login import Login
from agent.system.time_sync import TimeSync

ENVIRONMENT: Final = "/etc/environment"
APT_PROXY: Final = "/etc/apt/apt.conf.d/95openstack-paas-proxy"
JOURNAL: Final = "/etc/systemd/journald.conf.d/50-openstack-paas.conf"


@dataclass(frozen=True)
class Base:
    """What a machine of any role is to have. Texts are whole files, but for `environment`: a block of /etc/environment.

    Without a proxy `environment` and `apt_proxy` are empty.
    """

    login: Login
    sshd_config: str
    journald_config: str
    kernel: Kernel
    environment: str = ""
    apt_proxy: str = ""
    time: TimeSync = field(default_factory=TimeSync)


def prepare(machine: Machine, base: Base, install_packages: Callable[[], None]) -> None:
    """Everything that comes before a role's own steps, but for the firewall.

    The clock is checked last: chrony's first answers come while the other steps run.
    """
    machine.step("cloud-init", lambda: cloud_init.wait(machine))
    machine.step("login", lambda: login.accept_keys(machine, base.login))
    machine.step("ssh", lambda: login.harden_ssh(machine, base.sshd_config))
    machine.step("proxy", lambda: write_proxy(machine, base))
    machine.step("packages", install_packages)
    machine.step("time", lambda: time_sync.apply(machine, base.time))
    machine.step("journal", lambda: cap_journal(machine, base.journald_config))
    machine.step("kernel", lambda: kernel.apply(machine, base.kernel))
    machine.step("clock", lambda: time_sync.check(machine, base.time))


def write_proxy(machine: Machine, base: Base) -> None:
    """The way out for programs and for apt; nothing of it where there is no proxy."""
    files.replace_block(machine, base.environment, ENVIRONMENT)
    files.install_or_remove(machine, base.apt_proxy, APT_PROXY)


def cap_journal(machine: Machine, journald_config: str) -> None:
    """The journal outlives a boot, and does not fill the disk."""
    files.install(machine, journald_config, JOURNAL)
    services.apply(machine, "systemd-journald.service", "restart", (JOURNAL,))
