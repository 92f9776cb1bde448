"""The kubelet's flags and configuration of a node that has joined: kubeadm gives them to new nodes only."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from agent.kubernetes.labels_and_taints import former_patch
from agent.kubernetes.rollout import KUBELET, Rollout, restart_kubelet
from agent.kubernetes_api import KubernetesApi, probing
from agent.machine import Failed, Machine, NotYet
from agent.system import files

KUBELET_FLAGS: Final = "/var/lib/kubelet/kubeadm-flags.env"
KUBELET_CONFIGURATION: Final = "/var/lib/kubelet/config.yaml"
#: The configuration that the kubelet runs with, while another one is brought to it.
PREVIOUS_CONFIGURATION: Final = "/var/lib/openstack-paas/kubelet-configuration"
#: Seconds for a kubelet to report with a new configuration: less than those after which a node counts as lost.
KUBELET_SECONDS: Final = 30


class RunKubeadm(Protocol):
    """Runs kubeadm with the text of a configuration, if any; `what` is for messages. Raises Failed."""

    def __call__(self, what: str, *words: "str | Path", configuration: str = "") -> None: ...


@dataclass(frozen=True)
class Registration:
    """How a node is known to the cluster, and what its kubelet runs with."""

    node: str
    labels: tuple[str, ...]
    """As key=value."""
    taints: tuple[str, ...]
    """As key=value:Effect or key:Effect."""
    kubelet_configuration: str
    """The settings of all kubelets, as text: only whether it changes counts here."""
    init_configuration: str = field(default="", repr=False)
    """kubeadm's configuration as text, on a control plane only: those write the cluster's own record."""


class Registrar:
    """Brings the registration of this machine's node to what is wanted."""

    def __init__(
        self,
        machine: Machine,
        wanted: Registration,
        had_joined: bool,
        api: KubernetesApi,
        rollout: Rollout,
        run_kubeadm: RunKubeadm,
    ) -> None:
        """`had_joined`: the node has joined before this run. One that has joined in it is registered as wanted.

        `api` is asked as the node itself.
        """
        self.machine, self.wanted, self.had_joined = machine, wanted, had_joined
        self.api, self.rollout, self.run_kubeadm = api, rollout, run_kubeadm

    def follow_registration(self) -> None:
        """All of it."""
        self.machine.unit = KUBELET
        if self.had_joined:
            self.follow_flags()
        self.follow_kubelet_configuration()

    def follow_flags(self) -> None:
        """The labels and taints that the kubelet registers with, should it ever do so again: nothing reads them before.

        Those of the node's object are for a control plane to change, which has to know what they were. So the node says
        that first: a run that is interrupted in between begins again.
        """
        wanted = {"node-labels": self.wanted.labels}
        if not self.wanted.init_configuration:
            wanted["register-with-taints"] = self.wanted.taints
        former = {flag: self._flag(flag) for flag in wanted}
        if all(former[flag] == list(values) for flag, values in wanted.items()):
            return
        node = self.api.read_node(self.wanted.node)
        labels, taints = former["node-labels"], former.get("register-with-taints", ())
        self.api.patch_node(self.wanted.node, former_patch(node, labels, taints))
        for flag, values in wanted.items():
            self._set_flag(flag, values)

    def _flags(self) -> str:
        try:
            return self.machine.path(KUBELET_FLAGS).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Failed(f"{KUBELET_FLAGS} does not exist, though this node has joined: kubeadm writes it") from None

    def _flag(self, flag: str) -> list[str]:
        """What the kubelet registered with."""
        found = re.search(rf'--{flag}=([^ "]*)', self._flags())
        return [word for word in found[1].split(",") if word] if found else []

    def _set_flag(self, flag: str, values: Sequence[str]) -> None:
        text = re.sub(rf' *--{flag}=[^ "]*', "", self._flags())
        if values:
            added = f' --{flag}={",".join(values)}"'
            text = re.sub(r'"$', lambda _: added, text, flags=re.MULTILINE)
        files.install(self.machine, text, KUBELET_FLAGS)

    def follow_kubelet_configuration(self) -> None:
        """Control planes bring it to the cluster, every node takes it from there."""
        wanted = hashlib.sha256(self.wanted.kubelet_configuration.encode()).hexdigest()
        followed = self.machine.state / "applied/kubelet-configuration"
        if wanted == files.read(followed):
            return
        if self.had_joined:
            # The cluster may soon have one with which no kubelet works, and the way back is to be followed too.
            _forget(followed)
            self._take_kubelet_configuration()
        # A node that has just joined has taken it from the cluster.
        files.write(followed, f"{wanted}\n")

    def _take_kubelet_configuration(self) -> None:
        machine, previous = self.machine, self.machine.path(PREVIOUS_CONFIGURATION)
        configuration = machine.path(KUBELET_CONFIGURATION)
        # One that is there is of a run that was interrupted before the kubelet had the new one.
        if not previous.exists():
            files.install(machine, configuration.read_bytes(), PREVIOUS_CONFIGURATION)
        if self.wanted.init_configuration:
            words = ("init", "phase", "upload-config", "kubelet")
            self.run_kubeadm("the kubelets' configuration", *words, configuration=self.wanted.init_configuration)
        self.run_kubeadm("this kubelet's configuration", "upgrade", "node", "phase", "kubelet-config")
        if previous.read_bytes() != configuration.read_bytes():
            self.rollout.begin("configuration of the kubelet")
            self._restart_configured()
        _forget(previous)

    def _restart_configured(self) -> None:
        """With the previous configuration where the new one does not work. Pods go on meanwhile."""
        restart_kubelet(self.machine)
        since = self.machine.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        what = "the kubelet to report with its new configuration"
        try:
            self.machine.retry_until(KUBELET_SECONDS, what, lambda: self._kubelet_reports(since))
        except Failed as failure:
            previous = self.machine.path(PREVIOUS_CONFIGURATION).read_bytes()
            files.install(self.machine, previous, KUBELET_CONFIGURATION)
            restart_kubelet(self.machine)
            raise Failed(
                "the kubelet does not work with kubernetes.kubeletConfiguration; it runs with the previous one again "
                f"({failure})"
            ) from failure

    def _kubelet_reports(self, since: str) -> None:
        """One that ends at once over its configuration never does, and the node would look Ready for another 40 s."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{self.wanted.node}"
        with probing():
            lease = self.api.request("GET", path)
        renewed = str((lease.get("spec") or {}).get("renewTime") or "")
        # Both are UTC in the same form.
        if renewed <= since:
            raise NotYet(f"the kubelet reported last at {renewed or 'no time'}")


def _forget(file: Path) -> None:
    """Removes a file; after a power cut it does not come back."""
    if file.exists():
        file.unlink()
        files.sync_folder(file.parent)
