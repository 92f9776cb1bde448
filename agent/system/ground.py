"""What every machine gets, whatever its role: the desired state, and the steps before a role's own."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from agent.machine import Machine
from agent.system import cloud_init, etcd_archive, files, firewall, kernel, login, services, time_sync, volume
from agent.system.dpkg import installed_upstream_version
from agent.system.firewall import Firewall
from agent.system.kernel import Kernel
from agent.system.login import Login
from agent.system.maintenance import Maintenance
from agent.system.packages import DesiredPackages, Packages
from agent.system.time_sync import TimeSync
from agent.system.volume import Volume

ENVIRONMENT: Final = "/etc/environment"
APT_PROXY: Final = "/etc/apt/apt.conf.d/95openstack-paas-proxy"
JOURNAL: Final = "/etc/systemd/journald.conf.d/50-openstack-paas.conf"


@dataclass(frozen=True)
class Base:
    """Texts are whole files, but for `environment`: a block of /etc/environment. Without a proxy it and `apt_proxy` are
    empty.
    """

    login: Login
    sshd_config: str
    journald_config: str
    kernel: Kernel
    environment: str = ""
    apt_proxy: str = ""
    time: TimeSync = field(default_factory=TimeSync)


@dataclass(frozen=True)
class MachineState:
    """The part of the desired state that all roles have. `name` is the host name, `address` the planned one."""

    name: str
    address: str
    base: Base
    packages: DesiredPackages
    firewall: Firewall
    volume: Volume | None = None


class Ground:
    """The parts that all roles share, on one machine in one run."""

    def __init__(self, machine: Machine, wanted: MachineState) -> None:
        """Nothing is looked at yet."""
        self.machine, self.wanted = machine, wanted
        self.packages = Packages(machine, wanted.packages)
        self.maintenance = Maintenance(machine, self.packages)

    def attach_volume(self) -> None:
        """First of all: a role finds its data there."""
        if self.wanted.volume is not None:
            self.machine.step("cloud-init", lambda: cloud_init.wait(self.machine))
            volume.attach(self.machine, self.wanted.volume)

    def prepare(self, deferred: Iterable[str] = ()) -> None:
        """Everything before a role's own steps, but for the firewall. On a machine that serves, a change of the
        `deferred` packages waits for its turn.
        """
        self.packages.deferred = frozenset(deferred)
        machine, base = self.machine, self.wanted.base
        machine.step("cloud-init", lambda: cloud_init.wait(machine))
        machine.step("login", lambda: login.accept_keys(machine, base.login))
        machine.step("ssh", lambda: login.harden_ssh(machine, base.sshd_config))
        machine.step("proxy", self._write_proxy)
        machine.step("packages", self.packages.install)
        machine.step("time", lambda: time_sync.apply(machine, base.time))
        machine.step("journal", self._cap_journal)
        machine.step("kernel", lambda: kernel.apply(machine, base.kernel))
        # Last: chrony's first answers come while the other steps run.
        machine.step("clock", lambda: time_sync.check(machine, base.time))

    def _write_proxy(self) -> None:
        """The way out for programs and for apt; nothing of it where there is no proxy."""
        files.replace_block(self.machine, self.wanted.base.environment, ENVIRONMENT)
        files.install_or_remove(self.machine, self.wanted.base.apt_proxy, APT_PROXY)

    def _cap_journal(self) -> None:
        """The journal outlives a boot, and does not fill the disk."""
        files.install(self.machine, self.wanted.base.journald_config, JOURNAL)
        services.apply(self.machine, "systemd-journald.service", "restart", (JOURNAL,))

    def apply_firewall(self, table: str = "") -> None:
        """Loads the table of the desired state, or this one in its place."""
        wanted = self.wanted.firewall
        firewall.apply(self.machine, replace(wanted, table=table) if table else wanted)

    def installed_etcd(self) -> str:
        """The version of etcd that is here, by its archive or its package; empty where there is none."""
        return etcd_archive.installed_version(self.machine) or installed_upstream_version(self.machine, "etcd")
