"""What the runs of control planes and workers have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from agent.kubernetes.apis import MachineApis
from agent.kubernetes.containerd import Containerd, change_runtime
from agent.kubernetes.kubelet_certificates import KubeletCertificates
from agent.kubernetes.node import Node
from agent.kubernetes.node_settings import NodeSettings
from agent.kubernetes.rollout import Rollout
from agent.kubernetes.upgrade import Plan, Upgrade
from agent.system.ground import Ground

Steps = tuple[tuple[str, Callable[[], None]], ...]


class Member(ABC):
    """A node of the cluster. `plan` is of this run, and made in a step "version" before it."""

    def __init__(
        self,
        ground: Ground,
        wanted: NodeSettings,
        plan: Plan,
        apis: MachineApis,
        others_serve: Callable[[], None] | None = None,
    ) -> None:
        """`others_serve` is for Rollout. Nothing changes yet."""
        self.ground, self.machine, self.plan, self.apis = ground, ground.machine, plan, apis
        self.node = Node(self.machine, wanted, apis, plan.at_work)
        drain = wanted.drain if wanted.drained else None
        self.rollout = Rollout(self.machine, apis.kubelet(), wanted.name, drain, others_serve)
        self.kubelet = KubeletCertificates(self.node)
        self.containerd = Containerd(self.machine, wanted.containerd)
        self.node_upgrade = Upgrade(self.node, plan.kubelet, ground.packages, self.rollout)

    @abstractmethod
    def steps(self) -> Steps:
        """Names and actions, after those that every machine has."""

    def converge(self) -> None:
        """Takes all steps."""
        self.ground.prepare(self.plan.deferred)
        for name, action in self.steps():
            self.machine.step(name, action)
        self.machine.step_name = self.node.wanted.role.replace("-", " ")
        self.machine.log("ready")

    def renew_new_machine(self) -> None:
        """A machine that does not serve yet goes through the epoch at once."""
        if not self.plan.at_work:
            self.ground.maintenance.renew_new_machine()

    def change_runtime(self) -> None:
        """On a node that runs, containerd changes in its turn."""
        if self.plan.at_work:
            change_runtime(self.containerd, self.ground.packages, self.ground.maintenance, self.rollout)

    def end_change(self) -> None:
        """A machine that has just joined has nothing to end."""
        if self.plan.at_work:
            self.rollout.end()
