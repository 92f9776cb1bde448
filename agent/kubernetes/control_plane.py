"""A control plane.

All of them do this at the same time; a lock in etcd lets one initialise the cluster, if nobody has. The others join it.
"""

import threading
from typing import Final

from agent.etcd_api import Etcd
from agent.kubernetes import api_server, published_authorities
from agent.kubernetes.api_server import ApiServer
from agent.kubernetes.apis import MachineApis
from agent.kubernetes.authorities import NodeAuthorities
from agent.kubernetes.control_plane_certificates import ControlPlaneCertificates, with_admin
from agent.kubernetes.control_plane_state import INIT_LOCK, ControlPlaneSettings, ControlPlaneState
from agent.kubernetes.etcd_endpoints import follow_etcd_endpoints
from agent.kubernetes.initialise import Initialise
from agent.kubernetes.kubeadm import Kubeadm
from agent.kubernetes.member import Member, Steps
from agent.kubernetes.node import joined_mark
from agent.kubernetes.registration import Registrar
from agent.kubernetes.static_pods import API_SERVER, CONTROLLER_MANAGER, SCHEDULER, StaticPods
from agent.kubernetes.upgrade import Plan
from agent.kubernetes.upgrade_control_plane import ControlPlaneUpgrade
from agent.machine import NotYet
from agent.programs import Ended, last_lines
from agent.system import services
from agent.system.ground import Ground

_APPLY: Final = ("apply", "--server-side", "--force-conflicts", "--field-manager", "openstack-paas", "--filename", "-")
_UNUSED: Final = ("haproxy.service", "keepalived.service", "etcd.service")


class Pull(threading.Thread):
    """The images of a control plane come beside the run. One that fails does not wait for it."""

    def __init__(self, kubeadm: Kubeadm, configuration: str) -> None:
        super().__init__(daemon=True)
        self.kubeadm, self.configuration, self.ended = kubeadm, configuration, Ended(1)

    def run(self) -> None:
        """What the thread does."""
        self.ended = self.kubeadm.pull_images(self.configuration)


class ControlPlane(Member):
    """The steps of a control plane, in order."""

    def __init__(
        self, ground: Ground, wanted: ControlPlaneSettings, plan: Plan, apis: MachineApis, etcd: Etcd
    ) -> None:  # fmt: skip
        super().__init__(ground, wanted, plan, apis, self.others_serve)
        machine, self.wanted, self.kubeadm = self.machine, wanted, self.node.kubeadm
        self.state = ControlPlaneState(machine, wanted, etcd)
        self.server = ApiServer(machine, apis, wanted.address, wanted.api_port)
        self.authorities = NodeAuthorities(self.node, apis.admin)
        self.certificates = ControlPlaneCertificates(self.node, wanted, self.kubelet)
        self.static_pods = StaticPods(machine, self.server, self.others_serve)
        self.upgrade = ControlPlaneUpgrade(self.node_upgrade, self.server, wanted.init_configuration)
        self._pull: Pull | None = None

    def others_serve(self) -> None:
        """The API stays when this machine's API server goes. Raises Failed otherwise."""
        api_server.others_serve(self.machine, self.apis, self.wanted.name, self.wanted.api_port)

    def steps(self) -> Steps:
        """Names and actions, after those that every machine has."""
        return (
            ("epoch", self.renew_new_machine),
            ("unused services", lambda: services.disable(self.machine, *_UNUSED)),
            ("firewall", self.ground.apply_firewall),
            ("containerd", self.containerd.converge),
            ("repair", self.repair),
            ("authorities", self.guard),
            ("certificates", self.prepare),
            ("etcd", self.state.wait_for_etcd),
            ("node", self.become_control_plane),
            ("runtime", self.change_runtime),
            ("upgrade", self.upgrade.follow),
            ("API", self.serve),
            ("etcd's members", lambda: follow_etcd_endpoints(self.state, self.kubeadm, self.server)),
            ("own certificates", self.renew),
            ("rights", self.put_objects),
            ("registration", self.register),
            ("gate", self.end_change),
        )

    def guard(self) -> None:
        """Before any file of a node that runs changes."""
        if self.plan.at_work:
            self.static_pods.remember_reads(at_work=True)
            self.authorities.guard_authorities()

    def repair(self) -> None:
        """What a power cut has left empty, before anything is asked by it."""
        self.certificates.repair()
        self.kubelet.repair(self.certificates.remake_kubelet)

    def prepare(self) -> None:
        """Images that are missing come while this machine waits for others anyway."""
        self.state.install_pki()
        if self.state.is_complete():
            return
        self.kubeadm.validate("init.yaml", self.wanted.init_configuration)
        self._pull = Pull(self.kubeadm, self.wanted.init_configuration)
        self._pull.start()

    def become_control_plane(self) -> None:
        """Initialises the cluster, or joins it."""
        if self.state.is_complete():
            self.machine.log("already a control plane of the cluster")
            return
        self.finish_pulling()
        if self.plan.at_work:
            # Its manifest is empty after a power cut, which does not make it a stranger.
            self.machine.log("the manifests of the control plane are not whole: kubeadm writes them again")
            phase = ("init", "phase", "control-plane", "all")
            self.kubeadm.run("control plane's manifests", *phase, configuration=self.wanted.init_configuration)
            return
        # One that is left of an earlier life of this node says nothing about this one.
        joined_mark(self.machine).unlink(missing_ok=True)
        self.state.locked(INIT_LOCK, Initialise(self.node, self.state).under)
        if not joined_mark(self.machine).exists():
            self._join()

    def finish_pulling(self) -> None:
        """A failure is not final: the kubelet pulls again, and says what is wrong."""
        if self._pull:
            self._pull.join()
            if not self._pull.ended:
                self.machine.log(f"not all images could be pulled: {last_lines(self._pull.ended.said, 1)}")

    def _join(self) -> None:
        machine, endpoint, configuration = self.machine, self.wanted.endpoint, self.wanted.join_configuration
        what = f"the API at {endpoint} (the virtual address) to answer and let nodes join"
        machine.retry_until(300, what, self.node.may_join)
        if self.node.is_known():
            machine.log("the cluster knows this node, its join was interrupted: finishing it")
            self.node.bring_bootstrap()
            prepare = ("join", "phase", "control-plane-prepare", "all")
            self.kubeadm.run("control plane's files", *prepare, configuration=configuration)
            self.node.run_kubelet()
            mark = ("join", "phase", "control-plane-join", "all")
            self.kubeadm.run("control plane's marks", *mark, configuration=configuration)
        else:
            self.node.forget_half_join()
            self.state.install_pki()
            self.node.join_as_new()
        self.node.mark_joined()

    def serve(self) -> None:
        """This machine's own API server is ready, and its node is known."""
        self.machine.unit = "kubelet.service"
        self.node.run_kubelet()
        ready = self.apis.anonymous(self.server.endpoint).is_ready
        self.machine.retry_until(240, "this machine's own API server to be ready", ready)
        self.node.await_registered(120)
        self.node.forget_bootstrap()

    def renew(self) -> None:
        """Everything of a control plane that has an end."""
        wanted, pods = self.wanted, self.static_pods
        pods.remember_reads(self.plan.at_work)
        self.certificates.renew()
        self.certificates.embed_authorities()
        pods.apply_reads(API_SERVER)
        published_authorities.record_in_etcd(self.state)
        replaced = pods.follow_signing(wanted.signing, self.kubeadm, wanted.init_configuration)
        pods.apply_reads(CONTROLLER_MANAGER, SCHEDULER, replaced=replaced)
        self.kubelet.trust()
        self.kubelet.renew_serving()
        self.kubelet.end_lag()
        admin = self.apis.admin()
        published_authorities.publish(self.state, admin)
        published_authorities.forget_gone(self.state, admin)
        self.authorities.follow_together()
        self.kubelet.renewal.end_epoch()

    def put_objects(self) -> None:
        """Rights of machines that join, and a budget for the cluster's DNS."""
        self.machine.retry_until(60, "the API to take the platform's own objects", self._apply_objects)

    def _apply_objects(self) -> None:
        ended = with_admin(self.machine, *_APPLY, given="\n---\n".join(self.wanted.objects))
        if not ended:
            raise NotYet(ended.said)

    def register(self) -> None:
        """Labels, taints, and the kubelet's configuration, which control planes bring to the cluster."""
        configuration = self.wanted.init_configuration
        Registrar(self.node, self.rollout, self.apis.admin, configuration).follow_registration()
