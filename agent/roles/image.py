"""An image of machines: what every role needs is installed, and nothing is enabled that no role has asked for.

Runs in a chroot without systemd (with /proc, /sys, /dev and /run) as well as on a machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.command import Command, Options
from agent.kubernetes.containerd import Containerd, ContainerdSettings
from agent.machine import Machine
from agent.system import services
from agent.system.packages import DesiredPackages, Packages

#: Roles enable what they use.
UNITS: Final = ("haproxy.service", "keepalived.service", "containerd.service", "kubelet.service", "etcd.service")


@dataclass(frozen=True)
class State:
    """The desired state of an image."""

    packages: DesiredPackages
    containerd: ContainerdSettings


def converge(machine: Machine, wanted: State, options: Options) -> None:
    """Installs everything."""
    del options
    machine.step("packages", Packages(machine, wanted.packages).install)
    machine.step("containerd", Containerd(machine, wanted.containerd).configure)
    machine.step("services", lambda: services.disable(machine, *UNITS))
    machine.must("apt-get", "clean")
    machine.step_name = "image"
    machine.log("ready")


COMMANDS: Final[Mapping[str, Command[State]]] = {"converge": Command(State, converge)}
