"""Labels, taints and the kubelet's configuration of a node that has joined: kubeadm gives them to new nodes only.

What the platform has given the node so far is in the kubelet's own flags, so what others have put on it stays.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from agent.kubernetes.rollout import KUBELET, Rollout, restart_kubelet
from agent.kubernetes_api import KubernetesApi, Object, node_path, probing
from agent.machine import Failed, Machine, NotYet
from agent.system import files

KUBELET_FLAGS: Final = "/var/lib/kubelet/kubeadm-flags.env"
KUBELET_CONFIGURATION: Final = "/var/lib/kubelet/config.yaml"
#: The configuration that the kubelet runs with, while another one is brought to it.
PREVIOUS_CONFIGURATION: Final = "/var/lib/openstack-paas/kubelet-configuration"
#: kubeadm marks control planes with it, without a flag of the kubelet.
CONTROL_PLANE_TAINT: Final = "node-role.kubernetes.io/control-plane:NoSchedule"
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


def read_label(text: str) -> tuple[str, str]:
    """Key and value."""
    key, _, value = text.partition("=")
    return key, value


def read_taint(text: str) -> dict[str, str]:
    """A taint as the API has it, from key=value:Effect or key:Effect."""
    key_and_value, _, effect = text.rpartition(":")
    key, value = read_label(key_and_value)
    return {"key": key, "effect": effect} | ({"value": value} if value else {})


def _place(taint: Object) -> tuple[Any, Any]:
    """A node has one taint of each key and effect."""
    return taint.get("key"), taint.get("effect")


def _sorted(taints: Sequence[Object]) -> list[tuple[Any, ...]]:
    return sorted((*_place(taint), taint.get("value") or "") for taint in taints)


def registration_patch(
    node: Object, labels: Sequence[str], old_labels: Sequence[str], taints: Sequence[str], old_taints: Sequence[str]
) -> tuple[Object, bool]:
    """What has to change in a node's object, empty when nothing has to; and whether it makes pods leave at once.

    Labels and taints that the platform gave before and that are not wanted any more go, those of others stay. With
    taints comes the version of the object, since others write taints too.
    """
    has = node["metadata"].get("labels") or {}
    wanted: dict[str, str | None] = {key: None for key, _ in map(read_label, old_labels)}
    wanted |= dict(map(read_label, labels))
    patch: Object = {}
    if changed := {key: value for key, value in wanted.items() if value != has.get(key)}:
        patch["metadata"] = {"labels": changed}
    mine = [read_taint(text) for text in taints]
    ours = {_place(taint) for taint in [*map(read_taint, old_taints), *mine]}
    now = (node.get("spec") or {}).get("taints") or []
    result = [taint for taint in now if _place(taint) not in ours] + mine
    if _sorted(now) != _sorted(result):
        patch.setdefault("metadata", {})["resourceVersion"] = node["metadata"]["resourceVersion"]
        patch["spec"] = {"taints": result}
    had = {_place(taint) for taint in now}
    return patch, any(taint["effect"] == "NoExecute" and _place(taint) not in had for taint in mine)


class Registrar:
    """Brings the registration of this machine's node to what is wanted."""

    def __init__(
        self,
        machine: Machine,
        wanted: Registration,
        had_joined: bool,
        api: KubernetesApi,
        writer: Callable[[], KubernetesApi] | None,
        rollout: Rollout,
        run_kubeadm: RunKubeadm,
    ) -> None:
        """`had_joined`: the node has joined before this run. One that has joined in it is registered as wanted.

        `api` is asked as the node itself, which may change neither its own taints nor every label. `writer` may; None
        where the machine has no such certificate.
        """
        self.machine, self.wanted, self.had_joined = machine, wanted, had_joined
        self.api, self.writer, self.rollout, self.run_kubeadm = api, writer, rollout, run_kubeadm

    def follow_registration(self) -> None:
        """All of it, before a certificate to join with is forgotten."""
        self.machine.unit = KUBELET
        if self.had_joined:
            self.follow_labels_and_taints()
        self.follow_kubelet_configuration()

    def follow_labels_and_taints(self) -> None:
        """In the node's object first, then in the flags: a run that is interrupted in between begins again."""
        patch, evicts = self._patch()
        if patch:
            if self.writer is None:
                raise Failed(
                    f"the labels or taints of the node {self.wanted.node} have to change ({_text(patch)}), and this "
                    "machine has no certificate that may change them"
                )
            if evicts:
                # It would make pods leave without asking any budget.
                self.rollout.begin("taints", drained=True)
            self.machine.log(f"labels and taints: {_text(patch)}")
            self.machine.retry_until(60, "the API to take the node's labels and taints", self._write)
        self._set_flag("node-labels", self.wanted.labels)
        if not self.wanted.init_configuration:
            self._set_flag("register-with-taints", self.wanted.taints)

    def _patch(self) -> tuple[Object, bool]:
        old_taints = self._flag("register-with-taints")
        if self.wanted.init_configuration:
            old_taints.append(CONTROL_PLANE_TAINT)
        node = self.api.read_node(self.wanted.node)
        return registration_patch(node, self.wanted.labels, self._flag("node-labels"), self.wanted.taints, old_taints)

    def _write(self) -> None:
        """One try, by the present state of the object."""
        patch, _ = self._patch()
        if patch and self.writer:
            with probing():
                self.writer().request("PATCH", node_path(self.wanted.node), patch)

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
        """For the day on which the kubelet registers again; nothing reads it before."""
        if self._flag(flag) == list(values):
            return
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


def _text(patch: Object) -> str:
    return json.dumps(patch, separators=(",", ":"))
