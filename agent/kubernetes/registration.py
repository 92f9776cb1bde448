"""Labels, taints and the kubelet's configuration of a node that has joined: kubeadm gives them to new nodes only.

What the platform has given the node so far is in an annotation of it, so what others have put on it stays. A node
itself may change neither its own taints nor every label: an administrator does, on a control plane.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from agent.kubernetes.node import Node
from agent.kubernetes.rollout import KUBELET, Rollout, restart_kubelet
from agent.kubernetes_api import KubernetesApi, Object, annotated, compact, node_path, probing
from agent.machine import Failed, Machine, NotYet
from agent.system import files

KUBELET_FLAGS: Final = "/var/lib/kubelet/kubeadm-flags.env"
KUBELET_CONFIGURATION: Final = "/var/lib/kubelet/config.yaml"
#: The configuration that the kubelet runs with, while another one is brought to it.
PREVIOUS_CONFIGURATION: Final = "/var/lib/openstack-paas/kubelet-configuration"
#: On each node: `labels` and `taints`, those that the platform has given it.
ANNOTATION: Final = "openstack-paas/registration"
#: kubeadm marks control planes with this label and taint, without a flag of the kubelet.
CONTROL_PLANE: Final = "node-role.kubernetes.io/control-plane"
CONTROL_PLANE_TAINT: Final = f"{CONTROL_PLANE}:NoSchedule"
#: Seconds for a kubelet to report with a new configuration: less than those after which a node counts as lost.
KUBELET_SECONDS: Final = 30


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


def _patch(node: Object, labels: Sequence[str], taints: Sequence[str]) -> tuple[Object, bool]:
    """What has to change in a node's object, empty when nothing has to; and whether it makes pods leave at once.

    Labels and taints that the platform gave before and that are not wanted any more go, those of others stay; what it
    has given now is recorded in the same patch. With taints comes the version of the object, since others write taints
    too.
    """
    patch: Object = {}
    recorded, has = annotated(node, ANNOTATION), node["metadata"].get("labels") or {}
    wanted: dict[str, str | None] = {key: None for key, _ in map(read_label, recorded.get("labels") or [])}
    wanted |= dict(map(read_label, labels))
    if changed := {key: value for key, value in wanted.items() if value != has.get(key)}:
        patch["metadata"] = {"labels": changed}
    old_taints = [*(recorded.get("taints") or []), *([CONTROL_PLANE_TAINT] if CONTROL_PLANE in has else [])]
    mine = [read_taint(text) for text in taints]
    ours = {_place(taint) for taint in [*map(read_taint, old_taints), *mine]}
    now = (node.get("spec") or {}).get("taints") or []
    result = [taint for taint in now if _place(taint) not in ours] + mine
    if _sorted(now) != _sorted(result):
        patch.setdefault("metadata", {})["resourceVersion"] = node["metadata"]["resourceVersion"]
        patch["spec"] = {"taints": result}
    record = _record(labels, taints)
    if recorded != record:
        patch.setdefault("metadata", {})["annotations"] = {ANNOTATION: compact(record)}
    had = {_place(taint) for taint in now}
    return patch, any(taint["effect"] == "NoExecute" and _place(taint) not in had for taint in mine)


def follow_labels_and_taints(
    machine: Machine, api: KubernetesApi, node: str, labels: Sequence[str], taints: Sequence[str], rollout: Rollout
) -> None:
    """Brings labels and taints of a node that has joined to what is wanted. `api` asks as an administrator.

    `rollout` is that of the node: its pods leave before a taint would end them without asking any budget. Whoever calls
    this ends it (Rollout.end). Raises Failed.
    """
    patch, evicts = _patch(api.read_node(node), labels, taints)
    if not patch:
        return
    if evicts:
        rollout.begin("taints", drained=True)
    machine.log(f"labels and taints of {node}: {compact(patch)}")

    def write() -> None:
        """One try, by the present state of the object."""
        with probing():
            now, _ = _patch(api.request("GET", node_path(node)), labels, taints)
            if now:
                api.request("PATCH", node_path(node), now)

    machine.retry_until(60, f"the API to take labels and taints of the node {node}", write)


def _record(labels: Sequence[str], taints: Sequence[str]) -> Object:
    return {"labels": list(labels), "taints": list(taints)}


class Registrar:
    """Brings the registration of this machine's node to what is wanted."""

    def __init__(
        self,
        node: Node,
        rollout: Rollout,
        admin: Callable[[], KubernetesApi] | None = None,
        init_configuration: str = "",
    ) -> None:
        """On control planes only: `admin`, who is asked (on a worker labels and taints of the object are left to them),
        and kubeadm's `init_configuration`, for the cluster's own record of kubelets' configuration.
        """
        self.node, self.rollout, self.admin, self.init_configuration = node, rollout, admin, init_configuration
        self.machine, self.wanted, self.api = node.machine, node.wanted, node.apis.kubelet()

    def follow_registration(self) -> None:
        """What the kubelet registered with is recorded before its flags change. A node that is new is as wanted."""
        machine, wanted = self.machine, self.wanted
        machine.unit = KUBELET
        self._record_flags()
        if self.node.at_work:
            if self.admin:
                follow_labels_and_taints(
                    machine, self.admin(), wanted.name, wanted.labels, wanted.taints, self.rollout
                )  # fmt: skip
            self._set_flag("node-labels", wanted.labels)
            if not self.init_configuration:
                self._set_flag("register-with-taints", wanted.taints)
        self._follow_kubelet_configuration()

    def _record_flags(self) -> None:
        """Once: a node of the release before the agent, or one that has just joined, has no record."""
        node = self.api.read_node(self.wanted.name)
        if ANNOTATION not in (node["metadata"].get("annotations") or {}):
            record = _record(self._flag("node-labels"), self._flag("register-with-taints"))
            self.api.annotate_node(self.wanted.name, ANNOTATION, record)

    def _flags(self) -> str:
        try:
            return self.machine.path(KUBELET_FLAGS).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Failed(f"{KUBELET_FLAGS} does not exist, though this node has joined: kubeadm writes it") from None

    def _flag(self, flag: str) -> list[str]:
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

    def _follow_kubelet_configuration(self) -> None:
        """Control planes bring it to the cluster, every node takes it from there."""
        wanted = hashlib.sha256(self.wanted.kubelet_configuration.encode()).hexdigest()
        followed = self.machine.state / "applied/kubelet-configuration"
        if wanted == files.read(followed):
            return
        if self.node.at_work:
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
        if self.init_configuration:
            words = ("init", "phase", "upload-config", "kubelet")
            self.node.kubeadm.run("the kubelets' configuration", *words, configuration=self.init_configuration)
        self.node.kubeadm.run("this kubelet's configuration", "upgrade", "node", "phase", "kubelet-config")
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
        path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{self.wanted.name}"
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
