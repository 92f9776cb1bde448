"""containerd, configured the same in an image that is baked and on a machine."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.kubernetes.rollout import Rollout
from agent.machine import Machine, NotYet
from agent.programs import Ended
from agent.system import files, services
from agent.system.maintenance import Maintenance
from agent.system.packages import Packages

UNIT: Final = "containerd.service"
CONFIGURATION: Final = "/etc/containerd/config.toml"
PROXY: Final = "/etc/systemd/system/containerd.service.d/50-openstack-paas-proxy.conf"
#: What it reads when it starts. Registries are read at each pull.
READS: Final = (CONFIGURATION, PROXY)
PACKAGES: Final = ("containerd", "runc")

#: What the program leaves open in the configuration.
_RESTRICT: Final = "@RESTRICT_OOM_SCORE_ADJ@"
#: CAP_SYS_RESOURCE (linux/capability.h).
_SYS_RESOURCE: Final = 24


@dataclass(frozen=True)
class Registry:
    """A registry that has a mirror, and its hosts.toml."""

    name: str
    hosts: str


@dataclass(frozen=True)
class ContainerdSettings:
    """The desired state of containerd. None for `proxy`: as an image is baked, without the proxy of the machines that
    will be made of it; empty: no proxy.
    """

    configuration: str
    registries: tuple[Registry, ...] = ()
    proxy: str | None = None


class Containerd:
    """The runtime of this machine's containers."""

    def __init__(self, machine: Machine, wanted: ContainerdSettings) -> None:
        self.machine, self.wanted = machine, wanted

    def may_lower_oom_score(self) -> bool:
        """In a container without CAP_SYS_RESOURCE nobody may make a process harder to kill."""
        status = self.machine.path("/proc/self/status").read_text()
        bounding = re.search(r"^CapBnd:\s*([0-9a-f]+)", status, re.MULTILINE)
        return bounding is not None and bool(int(bounding[1], 16) >> _SYS_RESOURCE & 1)

    def configure(self) -> None:
        """Writes its files."""
        machine = self.machine
        machine.unit = UNIT
        restrict = "false" if self.may_lower_oom_score() else "true"
        configuration = self.wanted.configuration.replace(_RESTRICT, restrict)
        files.install(machine, configuration, CONFIGURATION, check=self._accepts)
        for registry in self.wanted.registries:
            files.install(machine, registry.hosts, f"/etc/containerd/certs.d/{registry.name}/hosts.toml")
        if self.wanted.proxy is not None:
            files.install_or_remove(machine, self.wanted.proxy, PROXY)

    def converge(self) -> None:
        """Configured, and running with that."""
        self.configure()
        services.apply(self.machine, UNIT, "restart", READS)
        self._await_answer()

    def restart(self) -> None:
        """Restarts it, whatever it runs with; containers go on meanwhile."""
        services.restart(self.machine, UNIT, READS)
        self._await_answer()

    def _accepts(self, path: Path) -> Ended:
        return self.machine.run("containerd", "--config", path, "config", "dump")

    def _await_answer(self) -> None:
        """Its socket is there before it serves."""

        def answers() -> None:
            if not (ended := self.machine.run("ctr", "version", seconds=5)):
                raise NotYet(ended.said)

        self.machine.retry_until(60, "containerd to answer", answers)


def change_runtime(containerd: Containerd, packages: Packages, maintenance: Maintenance, rollout: Rollout) -> None:
    """Other packages, or an epoch, on a node that runs: other pods are not here, containers of its own go on."""
    changes = [maintenance.what_waits(*PACKAGES)]
    if maintenance.epoch_waits():
        changes.append(f"the epoch {maintenance.epoch}")
    change = ", ".join(filter(None, changes))
    if not change:
        return
    maintenance.fetch()
    rollout.begin(change, drained=True)
    packages.change(*PACKAGES)
    maintenance.renew()
    containerd.restart()
    maintenance.end_epoch()
