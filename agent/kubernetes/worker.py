"""A worker: joins the cluster once its API answers. That is asked through the machine's own balancer."""

import stat
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from agent.kubernetes.apis import MachineApis
from agent.kubernetes.authorities import NodeAuthorities
from agent.kubernetes.member import Member, Steps
from agent.kubernetes.node_settings import NodeSettings
from agent.kubernetes.registration import Registrar
from agent.kubernetes.upgrade import Plan
from agent.machine import Machine
from agent.system import files, services
from agent.system.ground import Ground

BALANCER: Final = "/etc/haproxy/haproxy.cfg"
BALANCER_UNIT: Final = "/etc/systemd/system/haproxy.service.d/50-openstack-paas.conf"
VOLUMES_UNIT: Final = "openstack-paas-volume-folders"


@dataclass(frozen=True, kw_only=True)
class WorkerSettings(NodeSettings):
    """The desired state of a worker: the folder in which local volumes lie, and texts of files."""

    volume_folder: str
    balancer: str
    balancer_unit: str
    volumes_service: str
    volumes_path: str


class Worker(Member):
    """The steps of a worker, in order."""

    def __init__(self, ground: Ground, wanted: WorkerSettings, plan: Plan, apis: MachineApis) -> None:
        super().__init__(ground, wanted, plan, apis)
        self.wanted = wanted
        self.authorities = NodeAuthorities(self.node)
        self.registrar = Registrar(self.node, self.rollout)

    def steps(self) -> Steps:
        """Names and actions, after those that every machine has."""
        return (
            ("epoch", self.renew_new_machine),
            ("unused services", lambda: services.disable(self.machine, "keepalived.service", "etcd.service")),
            ("firewall", self.ground.apply_firewall),
            ("API's balancer", self.balance_api),
            ("volumes", lambda: make_volume_folder(self.machine, self.wanted.volume_folder)),
            ("volumes' folders", self.keep_volumes_usable),
            ("containerd", self.containerd.converge),
            ("authorities", self.authorities.guard_authorities),
            ("kubelet's certificate", self.kubelet.repair),
            ("node", self.become_node),
            ("runtime", self.change_runtime),
            # An epoch may have brought another haproxy.
            ("API's balancer", self.balance_api),
            ("upgrade", self.node_upgrade.upgrade_worker),
            ("own certificates", lambda: self.kubelet.renew_worker(self.authorities)),
            ("registration", self.register),
            ("gate", self.end_change),
        )

    def balance_api(self) -> None:
        """Before anything asks the API. Whether an API server answers is for those that ask to say."""
        machine = self.machine
        files.install(machine, self.wanted.balancer_unit, BALANCER_UNIT)
        check = partial(machine.run, "haproxy", "-c", "-q", "-f")
        files.install(machine, self.wanted.balancer, BALANCER, check=check)
        services.apply(machine, "haproxy.service", "reload", (BALANCER,))

    def keep_volumes_usable(self) -> None:
        """Volumes that were lost with a disk are for everyone again: now, and when they appear later."""
        unit = f"/etc/systemd/system/{VOLUMES_UNIT}"
        if files.install(self.machine, self.wanted.volumes_service, f"{unit}.service"):
            # The path unit alone is looked at below.
            self.machine.must("systemctl", "daemon-reload")
        files.install(self.machine, self.wanted.volumes_path, f"{unit}.path")
        services.apply(self.machine, f"{VOLUMES_UNIT}.path", "restart", (f"{unit}.path",))
        # The release before the agent had a script.
        files.remove(self.machine, f"/usr/local/sbin/{VOLUMES_UNIT}")
        open_lost_volumes(self.machine, self.wanted.volume_folder)

    def become_node(self) -> None:
        """A node that has joined does not ask whether it may join: it has forgotten the certificate for that."""
        self.machine.unit = "kubelet.service"
        if not self.plan.at_work:
            endpoint = self.wanted.endpoint
            self.node.join(f"an API server to answer through this machine's balancer ({endpoint}) and let nodes join")
        self.node.run_kubelet()
        self.node.await_registered(180)
        self.node.mark_joined()

    def register(self) -> None:
        """Labels and taints of a node that has joined are an administrator's, on a control plane."""
        self.registrar.follow_registration()
        self.node.forget_bootstrap()


def make_volume_folder(machine: Machine, folder: str) -> None:
    """The folder in which local volumes lie."""
    path = machine.path(folder)
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(0o755)
        machine.log(f"made {folder}")


def open_lost_volumes(machine: Machine, folder: str) -> None:
    """Gives everyone the volumes that are empty, root's, and for root alone.

    The provisioner of local volumes makes a volume's folder for everyone. One that was lost with a worker's disk is
    made again by the kubelet, empty and for root alone; pods that run as somebody else could not start in it.
    """
    for volume in sorted(machine.path(folder).glob("pvc-*")):
        if _is_lost(volume):
            volume.chmod(0o777)
            machine.log(f"{folder}/{volume.name} is for everyone again")


def _is_lost(volume: Path) -> bool:
    try:
        found = volume.lstat()
        # A folder with this mode, and no other kind of file.
        return found.st_mode == stat.S_IFDIR | 0o755 and found.st_uid == 0 and not any(volume.iterdir())
    except FileNotFoundError:
        # Volumes come and go meanwhile.
        return False
