"""Another version of Kubernetes on a node that runs: which packages wait, and how the kubelet changes.

Nothing is remembered but that kubeadm's part was begun: all else shows on the machine.
"""

import re
from dataclasses import dataclass
from typing import Final

from agent.kubernetes import containerd
from agent.kubernetes.node import Node, has_joined
from agent.kubernetes.rollout import Rollout, restart_kubelet
from agent.machine import Failed, Machine
from agent.system import files
from agent.system.dpkg import installed_upstream_version
from agent.system.packages import Packages

#: What a pod's containers run by: these packages change while no pod is here.
KUBELET_PACKAGES: Final = ("kubelet", "kubectl", "kubernetes-cni")


@dataclass(frozen=True)
class Plan:
    """What this run finds: whether this machine is a node that runs, and with which kubelet."""

    at_work: bool = False
    kubelet: str = ""
    #: Packages that stay as they are until it is this machine's turn.
    deferred: tuple[str, ...] = ()


def minor_of(version: str) -> int:
    """The 34 of 1.34.2."""
    return int(version.split(".")[1])


def refuse_kubernetes_jump(now: str, wanted: str) -> None:
    """Up by one minor version (https://kubernetes.io/releases/version-skew-policy/). Raises Failed."""
    said = f"this node runs Kubernetes {now} and {wanted} is wanted"
    if _key(wanted) < _key(now):
        raise Failed(f"{said}: Kubernetes does not go back. Set kubernetes.version to {now}")
    if minor_of(wanted) - minor_of(now) > 1:
        raise Failed(f"{said}: that skips a minor version. Bring up 1.{minor_of(now) + 1} first")


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def plan_version(machine: Machine, wanted: str) -> Plan:
    """First of all. On a node that runs another kubelet, its packages wait for their turn."""
    if not has_joined(machine):
        return Plan()
    kubelet = installed_upstream_version(machine, "kubelet")
    if not kubelet or kubelet == wanted:
        return Plan(True, kubelet, containerd.PACKAGES)
    refuse_kubernetes_jump(kubelet, wanted)
    machine.log(f"this node runs Kubernetes {kubelet} and is to have {wanted}")
    return Plan(True, kubelet, (*containerd.PACKAGES, *KUBELET_PACKAGES))


class Upgrade:
    """The way of this node from one version of Kubernetes to another."""

    def __init__(self, node: Node, kubelet: str, packages: Packages, rollout: Rollout) -> None:
        """`kubelet` is the version that is here."""
        self.node, self.packages, self.rollout = node, packages, rollout
        self.machine, self.wanted = node.machine, node.wanted.version
        self._kubelet = kubelet
        #: There while kubeadm's part of an upgrade has been begun and not ended.
        self.begun = self.machine.state / "upgrading"

    def changes_kubelet(self) -> bool:
        """Whether the kubelet is of another version than wanted."""
        return self.node.at_work and self._kubelet != self.wanted

    def begin(self) -> None:
        """From here until `begun` is removed, an interrupted run is completed by the next."""
        files.write(self.begun, "")

    def upgrade_node(self) -> None:
        """What kubeadm does on a worker, and on a control plane after the first."""
        self.node.kubeadm.run("kubeadm upgrade node", "upgrade", "node", *self.node.kubeadm.flags())

    def change_kubelet(self) -> None:
        """The packages are here already, so that pods which can run only here are away for a moment."""
        if not self.changes_kubelet():
            return
        self.rollout.begin(f"Kubernetes {self._kubelet} to {self.wanted}", drained=True)
        self.packages.change(*KUBELET_PACKAGES)
        restart_kubelet(self.machine)
        self._kubelet = self.wanted

    def upgrade_worker(self) -> None:
        """kubeadm writes the kubelet's new configuration, then the kubelet changes."""
        if self.changes_kubelet() or self.begun.exists():
            self.begin()
            self.packages.download_waiting()
            self.upgrade_node()
            self.change_kubelet()
            self.begun.unlink()
