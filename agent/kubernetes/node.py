"""What control planes and workers have in common: joining the cluster behind an API, and the kubelet."""

import os
import shutil
import ssl
from pathlib import Path
from typing import Final

from agent.kubernetes.apis import MachineApis
from agent.kubernetes.kubeadm import Kubeadm
from agent.kubernetes.node_settings import BOOTSTRAP_FOLDER, KUBERNETES, NodeSettings
from agent.kubernetes.rollout import KUBELET, KUBELET_CERTIFICATE
from agent.kubernetes_api import CLUSTER_INFO, ApiError, failing, is_ready, node_path, probing
from agent.machine import Failed, Machine, NotYet
from agent.system import files, services

KUBELET_KUBECONFIG: Final = f"{KUBERNETES}/kubelet.conf"
BOOTSTRAP_KUBELET: Final = f"{KUBERNETES}/bootstrap-kubelet.conf"
#: Folders of what makes a machine a node.
_WRITTEN: Final = (
    KUBERNETES, f"{KUBERNETES}/manifests", f"{KUBERNETES}/pki", "/var/lib/kubelet", "/var/lib/kubelet/pki"
)  # fmt: skip


def joined_mark(machine: Machine) -> Path:
    """The file that is there once this machine has joined, in this life of its disk."""
    return machine.state / "joined"


def has_joined(machine: Machine) -> bool:
    """Whether this machine is a node that runs. A kubeconfig that a power cut left empty is none."""
    return joined_mark(machine).exists() and files.read(machine.path(KUBELET_KUBECONFIG)) != ""


def is_pair(certificate: Path, key: Path | None = None) -> bool:
    """Whether it holds a certificate and its key, which may be in another file. A power cut may leave it empty."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key)
    except (OSError, ValueError):
        # ssl.SSLError is an OSError.
        return False
    return True


class Node:
    """This machine as a node of the cluster; `at_work`: it has been one before this run."""

    def __init__(self, machine: Machine, wanted: NodeSettings, apis: MachineApis, at_work: bool = False) -> None:
        self.machine, self.wanted, self.apis, self.at_work = machine, wanted, apis, at_work
        self.kubeadm = Kubeadm(machine, wanted.ignored_checks)
        self._bootstrap = machine.path(BOOTSTRAP_FOLDER.format(role=wanted.role))

    def may_join(self) -> None:
        """A probe. kubeadm's init publishes cluster-info after everything that a joining node reads or needs rights
        for, so its presence says that the way in is open; right after the API's first answer it may take some seconds.
        """
        api = self.apis.anonymous(self.wanted.endpoint)
        api.is_ready()
        try:
            api.request("GET", CLUSTER_INFO)
        except ApiError as error:
            raise NotYet(f"the API is ready, cluster-info answers with HTTP status {error.status}") from None

    def is_known(self) -> bool:
        """Whether the cluster knows this node by the kubelet's certificate. Raises Failed when nobody says.

        A node that is known would lose everything by a reset.
        """
        if not self._has_identity():
            return False
        with failing(f"cannot find out whether the cluster knows the node {self.wanted.name}"):
            try:
                return self.apis.kubelet().node(self.wanted.name) is not None
            except ApiError as error:
                if error.status in (401, 403):
                    return False
                raise

    def is_registered(self) -> None:
        """A probe: the cluster knows this node by the kubelet's own certificate."""
        if not self._has_identity():
            raise NotYet(f"the kubelet has no kubeconfig or no certificate of its own ({KUBELET_CERTIFICATE})")
        with probing():
            self.apis.kubelet().request("GET", node_path(self.wanted.name))

    def old_self_is_gone(self) -> None:
        """A probe: kubeadm refuses a name whose node is Ready. A lost one is noticed after some 40 s."""
        with probing():
            node = self.apis.joining().node(self.wanted.name)
        if node is not None and is_ready(node):
            raise NotYet(f"the previous node {self.wanted.name} has Ready=True")

    def join(self, waits_for: str) -> None:
        """Joins the cluster once that is possible, unless it is known there. `waits_for` reads on "waiting for"."""
        machine = self.machine
        machine.retry_until(300, waits_for, self.may_join)
        if self.is_known():
            machine.log("already a node of the cluster")
            return
        self.forget_half_join()
        self.join_as_new()

    def join_as_new(self) -> None:
        """kubeadm's join, after the previous node of this name has gone."""
        machine, name = self.machine, self.wanted.name
        self.bring_bootstrap()
        machine.retry_until(180, f"the previous node {name} to be noticed as lost", self.old_self_is_gone)
        self._forget_old_self()
        configuration = self.wanted.join_configuration
        self.kubeadm.validate("join.yaml", configuration)
        self.kubeadm.run("kubeadm join", "join", *self.kubeadm.flags(), configuration=configuration)

    def _forget_old_self(self) -> None:
        """With the lost node's object go its cordon and labels. Without the right to, the object stays."""
        try:
            self.apis.joining().ask("DELETE", node_path(self.wanted.name))
            self.machine.log("removed the object of the previous node of this name")
        except ApiError as error:
            if error.status != 404:
                self.machine.log(f"the old object of this node stays: {error}")

    def forget_half_join(self) -> None:
        """Removes what an interrupted init or join left, on a node that the cluster has never seen."""
        machine = self.machine
        left = (KUBELET_KUBECONFIG, BOOTSTRAP_KUBELET, "/var/lib/kubelet/config.yaml")
        manifests = machine.path(f"{KUBERNETES}/manifests").glob("*.yaml")
        if not any(machine.path(path).exists() for path in left) and not any(manifests):
            return
        machine.log("an earlier run was interrupted before the cluster knew this node: starting over")
        self.kubeadm.reset()

    def bring_bootstrap(self) -> None:
        """Puts the certificate to join with where kubeadm looks. Raises Failed when there is none that is valid."""
        if not self.has_bootstrap:
            raise Failed(
                "this machine is not a node of the cluster and was given no certificate to join with. Delete its "
                "server and run `pulumi up --refresh`: another machine gets one"
            )
        self.write_bootstrap()
        certificate = self._bootstrap / "bootstrap.crt"
        if not self.machine.run("openssl", "x509", "-in", certificate, "-noout", "-checkend", "60"):
            raise Failed(
                "the certificate to join with has ended, or cannot be read: it lives for two days. Run `pulumi up` "
                "again for another one; where the last `up` has ended well, delete the server and run "
                "`pulumi up --refresh`"
            )

    @property
    def has_bootstrap(self) -> bool:
        """Whether this machine was given a certificate to join with."""
        wanted = self.wanted.bootstrap
        return bool(wanted.kubeconfig and wanted.certificate and wanted.key)

    def write_bootstrap(self) -> None:
        """The files that the certificate to join with is in."""
        folder, wanted = self._bootstrap, self.wanted.bootstrap
        files.write(folder / "pki/ca.crt", self.wanted.authorities)
        files.write(folder / "bootstrap.key", wanted.key, 0o600)
        files.write(folder / "bootstrap.crt", wanted.certificate)
        files.write(folder / "bootstrap.conf", wanted.kubeconfig, 0o600)

    def forget_bootstrap(self) -> None:
        """Removes the certificate to join with, and what the release before the agent left in its folder."""
        shutil.rmtree(self._bootstrap, ignore_errors=True)
        self.machine.path(BOOTSTRAP_KUBELET).unlink(missing_ok=True)

    def run_kubelet(self) -> None:
        """kubeadm starts it on joining; afterwards it only has to run, and to start at boot."""
        machine = self.machine
        if not machine.run("systemctl", "is-enabled", "--quiet", KUBELET):
            machine.must("systemctl", "--quiet", "enable", KUBELET)
        if not services.is_active(machine, KUBELET):
            machine.must("systemctl", "start", KUBELET, seconds=services.RESTART_SECONDS)
            machine.log(f"started {KUBELET}")

    def await_registered(self, seconds: float) -> None:
        """Until the cluster knows this node."""
        what = f"the node {self.wanted.name} to be registered at {self.wanted.endpoint}"
        self.machine.retry_until(seconds, what, self.is_registered)

    def mark_joined(self) -> None:
        """From here on this machine is a node that runs.

        What kubeadm and the kubelet have written is on the disk before: they do not wait for that, and a machine that
        has joined is given nothing to join with again after a power cut.
        """
        if joined_mark(self.machine).exists():
            return
        for folder in filter(Path.is_dir, map(self.machine.path, _WRITTEN)):
            for file in filter(Path.is_file, folder.iterdir()):
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
            files.sync_folder(folder)
        files.write(joined_mark(self.machine), "")

    def _has_identity(self) -> bool:
        has_kubeconfig = files.read(self.machine.path(KUBELET_KUBECONFIG)) != ""
        return has_kubeconfig and is_pair(self.machine.path(KUBELET_CERTIFICATE))
