"""A worker: joins the cluster once its API answers. That is asked through the machine's own balancer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.kubernetes.apis import MachineApis
from agent.kubernetes.authorities import NodeAuthorities
from agent.kubernetes.containerd import Containerd, change_runtime
from agent.kubernetes.kubeadm import Kubeadm
from agent.kubernetes.kubelet_certificates import KubeletCertificates
from agent.kubernetes.member_settings import MemberSettings, authority_settings
from agent.kubernetes.node import Node
from agent.kubernetes.registration import Registrar
from agent.kubernetes.renewal import Renewal
from agent.kubernetes.rollout import Rollout
from agent.kubernetes.upgrade import Plan, Upgrade
from agent.kubernetes.volume_folders import make_volume_folders, open_lost_volumes
from agent.system import files, services
from agent.system.ground import Ground

BALANCER: Final = "/etc/haproxy/haproxy.cfg"
BALANCER_UNIT: Final = "/etc/systemd/system/haproxy.service.d/50-openstack-paas.conf"
VOLUMES_UNIT: Final = "openstack-paas-volume-folders"


@dataclass(frozen=True)
class WorkerSettings(MemberSettings):
    """The desired state of a worker: texts of files."""

    balancer: str
    balancer_unit: str
    volumes_service: str
    volumes_path: str


class Worker:
    """The steps of a worker, in order. `plan` is of this run, and made in a step "version" before it."""

    def __init__(self, ground: Ground, wanted: WorkerSettings, plan: Plan, apis: MachineApis) -> None:
        """Nothing changes yet."""
        machine = ground.machine
        self.ground, self.machine, self.wanted, self.plan = ground, machine, wanted, plan
        api = apis.kubelet()
        self.node = Node(machine, wanted.node, apis, Kubeadm(machine, wanted.node.ignored_checks))
        self.rollout = Rollout(machine, api, wanted.rollout)
        self.authorities = NodeAuthorities(machine, authority_settings(wanted), plan.at_work, api)
        renewal = Renewal(machine, wanted.certificates, wanted.node.authorities, plan.at_work)
        self.certificates = KubeletCertificates(self.node, renewal)
        self.containerd = Containerd(machine, wanted.containerd)
        self.upgrade = Upgrade(self.node, plan, ground.packages, self.rollout)
        self.registrar = Registrar(machine, wanted.registration, plan.at_work, api, self.rollout, self.node.kubeadm.run)

    def steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """Names and actions, after those that every machine has."""
        return (
            ("epoch", self.renew_new_machine),
            ("unused services", lambda: services.disable(self.machine, "keepalived.service", "etcd.service")),
            ("firewall", self.ground.apply_firewall),
            ("API's balancer", self.balance_api),
            ("volumes", lambda: make_volume_folders(self.machine, self.wanted.node.volume_folders)),
            ("volumes' folders", self.keep_volumes_usable),
            ("containerd", self.containerd.converge),
            ("authorities", self.authorities.guard_authorities),
            ("kubelet's certificate", self.certificates.repair),
            ("node", self.become_node),
            ("runtime", self.change_runtime),
            # An epoch may have brought another haproxy.
            ("API's balancer", self.balance_api),
            ("upgrade", self.upgrade.upgrade_worker),
            ("own certificates", lambda: self.certificates.renew_worker(self.authorities)),
            ("registration", self.register),
            ("gate", self.end_change),
        )

    def converge(self) -> None:
        """Takes all steps."""
        self.ground.prepare(self.plan.deferred)
        for name, action in self.steps():
            self.machine.step(name, action)
        self.machine.step_name = "worker"
        self.machine.log("ready")

    def renew_new_machine(self) -> None:
        """A machine that does not serve yet goes through the epoch at once."""
        if not self.plan.at_work:
            self.ground.maintenance.renew_new_machine()

    def balance_api(self) -> None:
        """Before anything asks the API. Whether an API server answers is for those that ask to say."""
        machine = self.machine
        files.install(machine, self.wanted.balancer_unit, BALANCER_UNIT)
        files.install(
            machine, self.wanted.balancer, BALANCER, check=lambda new: machine.run("haproxy", "-c", "-q", "-f", new)
        )  # fmt: skip
        services.apply(machine, "haproxy.service", "reload", (BALANCER,))

    def keep_volumes_usable(self) -> None:
        """Volumes that were lost with a disk are for everyone again: now, and when they appear later."""
        unit = f"/etc/systemd/system/{VOLUMES_UNIT}"
        files.install(self.machine, self.wanted.volumes_service, f"{unit}.service")
        files.install(self.machine, self.wanted.volumes_path, f"{unit}.path")
        services.apply(self.machine, f"{VOLUMES_UNIT}.path", "restart", (f"{unit}.path",))
        # The release before the agent had a script.
        files.remove(self.machine, f"/usr/local/sbin/{VOLUMES_UNIT}")
        open_lost_volumes(self.machine, self.wanted.node.volume_folders)

    def become_node(self) -> None:
        """A node that has joined does not ask whether it may join: it has forgotten the certificate for that."""
        self.machine.unit = "kubelet.service"
        if not self.plan.at_work:
            endpoint = self.wanted.node.endpoint
            self.node.join(f"an API server to answer through this machine's balancer ({endpoint}) and let nodes join")
        self.node.run_kubelet()
        self.node.await_registered(180)
        self.node.mark_joined()

    def change_runtime(self) -> None:
        """On a node that runs, containerd changes in its turn."""
        if self.plan.at_work:
            change_runtime(self.containerd, self.ground.packages, self.ground.maintenance, self.rollout)

    def register(self) -> None:
        """Labels and taints of a node that has joined are an administrator's, on a control plane."""
        self.registrar.follow_registration()
        self.node.forget_bootstrap()

    def end_change(self) -> None:
        """A machine that has just joined has nothing to end."""
        if self.plan.at_work:
            self.rollout.end()
