"""What every machine gets, whatever its role: the desired state, and the steps before a role's own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agent.machine import Machine
from agent.system import base, cloud_init, etcd_archive, firewall, volume
from agent.system.base import Base
from agent.system.dpkg import installed_upstream_version
from agent.system.firewall import Firewall
from agent.system.maintenance import Maintenance
from agent.system.packages import DesiredPackages, Packages
from agent.system.volume import Volume


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
        base.prepare(self.machine, self.wanted.base, self.packages.install)

    def apply_firewall(self, table: str = "") -> None:
        """Loads the table of the desired state, or this one in its place."""
        wanted = self.wanted.firewall
        firewall.apply(self.machine, replace(wanted, table=table) if table else wanted)

    def installed_etcd(self) -> str:
        """The version of etcd that is here, by its archive or its package; empty where there is none."""
        return etcd_archive.installed_version(self.machine) or installed_upstream_version(self.machine, "etcd")
