"""A control plane.

All of them do this at the same time; a lock in etcd lets one initialise the cluster, if nobody has. The others join it.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.etcd_api import Etcd
from agent.kubernetes import api_server, published_authorities
from agent.kubernetes.api_server import ApiServer
from agent.kubernetes.apis import MachineApis
from agent.kubernetes.authorities import NodeAuthorities
from agent.kubernetes.containerd import Containerd, change_runtime
from agent.kubernetes.control_plane_certificates import ControlPlaneCertificates, with_admin
from agent.kubernetes.control_plane_state import INIT_LOCK, ControlPlaneSettings, ControlPlaneState
from agent.kubernetes.etcd_endpoints import EtcdEndpoints
from agent.kubernetes.initialise import Initialise
from agent.kubernetes.kubeadm import Kubeadm
from agent.kubernetes.kubelet_certificates import KubeletCertificates
from agent.kubernetes.member_settings import authority_settings
from agent.kubernetes.node import Node
from agent.kubernetes.registration import Registrar
from agent.kubernetes.renewal import Renewal
from agent.kubernetes.rollout import Rollout
from agent.kubernetes.static_pods import API_SERVER, CONTROLLER_MANAGER, SCHEDULER, StaticPods
from agent.kubernetes.upgrade import Plan, Upgrade
from agent.kubernetes.upgrade_control_plane import ControlPlaneUpgrade
from agent.kubernetes.volume_folders import make_volume_folders
from agent.machine import NotYet
from agent.programs import Ended, last_lines
from agent.system import services
from agent.system.ground import Ground

_APPLY: Final = ("apply", "--server-side", "--force-conflicts", "--field-manager", "openstack-paas", "--filename", "-")
_UNUSED: Final = ("haproxy.service", "keepalived.service", "etcd.service")


class Pull:
    """The images of a control plane come beside the run."""

    def __init__(self, kubeadm: Kubeadm, configuration: str) -> None:
        """Begins at once. A run that fails does not wait for it."""
        self._ended = Ended(1)
        self._thread = threading.Thread(target=self._run, args=(kubeadm, configuration), daemon=True)
        self._thread.start()

    def _run(self, kubeadm: Kubeadm, configuration: str) -> None:
        self._ended = kubeadm.pull_images(configuration)

    def wait(self) -> Ended:
        """How it ended."""
        self._thread.join()
        return self._ended


class ControlPlane:
    """The steps of a control plane, in order. `plan` is of this run, and made in a step "version" before it."""

    def __init__(
        self, ground: Ground, wanted: ControlPlaneSettings, plan: Plan, apis: MachineApis, etcd: Etcd
    ) -> None:  # fmt: skip
        """Nothing changes yet."""
        machine, own = ground.machine, wanted.node
        self.ground, self.machine, self.wanted, self.plan, self.apis = ground, machine, wanted, plan, apis
        self.kubeadm = Kubeadm(machine, own.ignored_checks)
        self.node = Node(machine, own, apis, self.kubeadm)
        self.state = ControlPlaneState(machine, wanted, etcd)
        self.server = ApiServer(machine, apis, wanted.address, wanted.api_port)
        self.rollout = Rollout(machine, apis.kubelet(), wanted.rollout, self.others_serve)
        self.authorities = NodeAuthorities(
            machine, authority_settings(wanted), plan.at_work, apis.kubelet(), apis.admin
        )  # fmt: skip
        self.renewal = Renewal(machine, wanted.certificates, own.authorities, plan.at_work)
        self.kubelet = KubeletCertificates(self.node, self.renewal)
        self.certificates = ControlPlaneCertificates(self.node, wanted, self.renewal, self.kubelet)
        self.static_pods = StaticPods(machine, self.server, self.others_serve)
        self.containerd = Containerd(machine, wanted.containerd)
        upgrade = Upgrade(self.node, plan, ground.packages, self.rollout)
        self.upgrade = ControlPlaneUpgrade(self.node, upgrade, self.server, wanted.init_configuration)
        self.etcd_endpoints = EtcdEndpoints(self.state, self.kubeadm, self.server)
        self._pull: Pull | None = None

    def others_serve(self) -> None:
        """The API stays when this machine's API server goes. Raises Failed otherwise."""
        api_server.others_serve(self.machine, self.apis, self.wanted.node.name, self.wanted.api_port)

    def steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """Names and actions, after those that every machine has."""
        return (
            ("epoch", self.renew_new_machine),
            ("unused services", lambda: services.disable(self.machine, *_UNUSED)),
            ("firewall", self.ground.apply_firewall),
            ("volumes", lambda: make_volume_folders(self.machine, self.wanted.node.volume_folders)),
            ("containerd", self.containerd.converge),
            ("repair", self.repair),
            ("authorities", self.guard),
            ("certificates", self.prepare),
            ("etcd", self.state.wait_for_etcd),
            ("node", self.become_control_plane),
            ("runtime", self.change_runtime),
            ("upgrade", self.upgrade.follow),
            ("API", self.serve),
            ("etcd's members", self.etcd_endpoints.follow),
            ("own certificates", self.renew),
            ("rights", self.put_objects),
            ("registration", self.register),
            ("gate", self.end_change),
        )

    def converge(self) -> None:
        """Takes all steps."""
        self.ground.prepare(self.plan.deferred)
        for name, action in self.steps():
            self.machine.step(name, action)
        self.machine.step_name = "control plane"
        self.machine.log("ready")

    def renew_new_machine(self) -> None:
        """A machine that does not serve yet goes through the epoch at once."""
        if not self.plan.at_work:
            self.ground.maintenance.renew_new_machine()

    def guard(self) -> None:
        """Before any file of a node that runs changes."""
        if not self.plan.at_work:
            return
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
        configuration = self.wanted.init_configuration
        self.kubeadm.validate("init.yaml", configuration)
        self._pull = Pull(self.kubeadm, configuration)

    def become_control_plane(self) -> None:
        """Initialises the cluster, or joins it."""
        if self.state.is_complete():
            self.machine.log("already a control plane of the cluster")
            return
        self.finish_pulling()
        if self.plan.at_work:
            # Its manifest is empty after a power cut, which does not make it a stranger.
            self.remake_manifests()
            return
        # One that is left of an earlier life of this node says nothing about this one.
        self.node.unmark_joined()
        initialise = Initialise(self.node, self.state)
        self.state.locked(INIT_LOCK, initialise.under)
        if not self.node.is_marked_joined():
            self.join()

    def remake_manifests(self) -> None:
        """The static pods of a control plane that has joined."""
        self.machine.log("the manifests of the control plane are not whole: kubeadm writes them again")
        phase = ("init", "phase", "control-plane", "all")
        self.kubeadm.run("control plane's manifests", *phase, configuration=self.wanted.init_configuration)

    def finish_pulling(self) -> None:
        """A failure is not final: the kubelet pulls again, and says what is wrong."""
        if self._pull is not None and not (ended := self._pull.wait()):
            self.machine.log(f"not all images could be pulled: {last_lines(ended.said, 1)}")

    def join(self) -> None:
        """Joins the cluster as one more control plane, or finishes that."""
        machine, endpoint, configuration = self.machine, self.wanted.node.endpoint, self.wanted.node.join_configuration
        what = f"the API at {endpoint} (the virtual address) to answer and let nodes join"
        machine.retry_until(300, what, self.node.may_join)
        if self.node.is_known():
            machine.log("the cluster knows this node, its join was interrupted: finishing it")
            self.node.bring_bootstrap()
            phase = ("join", "phase")
            self.kubeadm.run(
                "control plane's files", *phase, "control-plane-prepare", "all", configuration=configuration
            )  # fmt: skip
            self.node.run_kubelet()
            self.kubeadm.run("control plane's marks", *phase, "control-plane-join", "all", configuration=configuration)
        else:
            self.node.forget_half_join()
            self.state.install_pki()
            self.node.join_as_new()
        self.node.mark_joined()

    def change_runtime(self) -> None:
        """On a node that runs, containerd changes in its turn."""
        if self.plan.at_work:
            change_runtime(self.containerd, self.ground.packages, self.ground.maintenance, self.rollout)

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
        self.renewal.end_epoch()

    def put_objects(self) -> None:
        """Machines that join may remove the lost node whose name they have, and the cluster's DNS does not leave all at
        once when nodes are drained.
        """
        self.machine.retry_until(60, "the API to take the platform's own objects", self._apply_objects)

    def _apply_objects(self) -> None:
        ended = with_admin(self.machine, *_APPLY, given="\n---\n".join(self.wanted.objects))
        if not ended:
            raise NotYet(ended.said)

    def register(self) -> None:
        """Labels, taints, and the kubelet's configuration, which control planes bring to the cluster."""
        wanted = replace(self.wanted.registration, init_configuration=self.wanted.init_configuration)
        registrar = Registrar(
            self.machine,
            wanted,
            self.plan.at_work,
            self.apis.kubelet(),
            self.rollout,
            self.kubeadm.run,
            self.apis.admin,
        )
        registrar.follow_registration()

    def end_change(self) -> None:
        """A machine that has just joined has nothing to end."""
        if self.plan.at_work:
            self.rollout.end()
