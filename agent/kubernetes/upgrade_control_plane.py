"""Another version of Kubernetes on a control plane that runs: first the static pods by kubeadm, then the kubelet.

One control plane at a time does this; the first one also changes the cluster's own record.
"""

import re
from typing import Final

from agent.kubernetes.api_server import ApiServer
from agent.kubernetes.kubeadm import IMAGES_LOG
from agent.kubernetes.static_pods import READS, manifest_of
from agent.kubernetes.upgrade import Upgrade, refuse_kubernetes_jump
from agent.kubernetes_api import failing
from agent.machine import Failed
from agent.programs import Ended, last_lines, without_secrets

PLAN_LOG: Final = "/var/log/openstack-paas-upgrade-plan.log"
DRY_RUN_LOG: Final = "/var/log/openstack-paas-upgrade-dry-run.log"
_RECORD: Final = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
#: The lines of the plan and of the dry run that say what would be done.
_PLANNED: Final = r"[^\[]"
_REHEARSED: Final = (
    r"\[dryrun\] Would perform action (CREATE|UPDATE|PATCH|DELETE)|\[upgrade[^\]]*\] .*successfully"
)  # fmt: skip


class ControlPlaneUpgrade:
    """The way of this control plane from one version of Kubernetes to another. `upgrade` is that of the node."""

    def __init__(self, upgrade: Upgrade, server: ApiServer, init_configuration: str) -> None:
        self.upgrade, self.server, self.init_configuration = upgrade, server, init_configuration
        self.node, self.machine, self.wanted = upgrade.node, upgrade.machine, upgrade.wanted
        self.kubeadm = upgrade.node.kubeadm

    def version_of(self, part: str) -> str:
        """Of a static pod of this machine, by its manifest."""
        manifest = self.machine.path(manifest_of(part)).read_text()
        found = re.search(rf"^ *image: .*/{re.escape(part)}:v(\S+)\s*$", manifest, re.MULTILINE)
        return found[1] if found else ""

    def manifests_are_wanted(self) -> bool:
        """Whether all three static pods are of the wanted version."""
        return all(self.version_of(part) == self.wanted for part in READS)

    def cluster_version(self) -> str:
        """What kubeadm has recorded in the cluster; written at the end of its `upgrade apply`. Raises Failed."""
        what = "cannot read the cluster's version (configmap kubeadm-config in kube-system)"
        with failing(what):
            data = self.node.apis.admin().ask("GET", _RECORD).get("data") or {}
        found = re.search(r"^kubernetesVersion: v(\S+)$", str(data.get("ClusterConfiguration")), re.MULTILINE)
        if not found:
            raise Failed(what)
        return found[1]

    def follow(self) -> None:
        """The static pods, then the kubelet. On a node that runs."""
        if not self.node.at_work:
            return
        if self.upgrade.begun.exists() or not self.manifests_are_wanted():
            self.upgrade.packages.download_waiting()
            self._upgrade_static_pods()
            self.upgrade.begun.unlink(missing_ok=True)
        if self.upgrade.changes_kubelet():
            self.upgrade.packages.download_waiting()
            self.upgrade.change_kubelet()

    def _upgrade_static_pods(self) -> None:
        """Images are here first. kubeadm puts the previous manifest back if a part does not come up."""
        machine, wanted = self.machine, self.wanted
        machine.log(f"pulling the images of {wanted}")
        machine.log_file = machine.path(IMAGES_LOG)
        if not self.kubeadm.pull_images(self.init_configuration):
            raise Failed(f"not all images of Kubernetes {wanted} can be pulled; nothing has been changed")
        machine.log_file = None
        recorded = self.cluster_version()
        if recorded != wanted:
            refuse_kubernetes_jump(recorded, wanted)
            self._rehearse()
        self.upgrade.rollout.begin(f"control plane {self.version_of('kube-apiserver')} to {wanted}")
        self.upgrade.begin()
        with self.server.ending(self.server.process()):
            if recorded != wanted:
                words = ("upgrade", "apply", f"v{wanted}", "--yes", *self.kubeadm.flags())
                self.kubeadm.run("kubeadm upgrade apply", *words)
            else:
                self.upgrade.upgrade_node()
        if not self.manifests_are_wanted():
            raise Failed(f"kubeadm has left manifests of another version than {wanted}")
        self.server.await_service()

    def _rehearse(self) -> None:
        """The plan and the dry run, both shown; nothing has been changed when one of them objects."""
        version, flags = f"v{self.wanted}", self.kubeadm.flags()
        plan = self.kubeadm.show(PLAN_LOG, "upgrade", "plan", version, *flags)
        self._show("kubeadm's plan", plan, _PLANNED)
        dry_run = self.kubeadm.show(DRY_RUN_LOG, "upgrade", "apply", version, "--yes", "--dry-run", *flags)
        self._show(f"kubeadm's dry run ({DRY_RUN_LOG} has all of it)", dry_run, _REHEARSED)

    def _show(self, what: str, ended: Ended, pattern: str) -> None:
        if not ended:
            raise Failed(f"{what} objects: {last_lines(ended.said, 8)}")
        lines = without_secrets(f"{ended.output}{ended.errors}").splitlines()
        shown = [f"\n           | {line[:160]}" for line in lines if re.match(pattern, line)]
        self.machine.log(f"{what}:{''.join(shown)}")
