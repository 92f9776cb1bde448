"""A change of a node that runs: only while the platform serves without it, and over only when the node is good again.

What goes on is in an annotation of the node. `ops status` shows it, and by it the next run finishes one that was
interrupted.
"""

import json
from collections.abc import Callable
from typing import Final

from agent.kubernetes.drain import DrainSettings, cordon, drain, uncordon
from agent.kubernetes_api import (
    ApiError,
    KubernetesApi,
    Object,
    is_ready,
    items,
    node_path,
    pods_path,
    probing,
    readiness,
)
from agent.machine import Failed, Machine, NotYet
from agent.system.services import RESTART_SECONDS

ANNOTATION: Final = "openstack-paas/change"
KUBELET: Final = "kubelet.service"
#: The kubelet's certificate and key in one file, by which a node asks the API about itself.
KUBELET_CERTIFICATE: Final = "/var/lib/kubelet/pki/kubelet-client-current.pem"
#: Seconds: a kubelet that has restarted reports within one of its intervals, and its pods start meanwhile.
GATE_SECONDS: Final = 180


def restart_kubelet(machine: Machine) -> None:
    """Containers go on meanwhile. Whether the kubelet is well then is for a probe, which says more than systemd."""
    machine.unit = KUBELET
    machine.run("systemctl", "reset-failed", KUBELET)
    ended = machine.run("systemctl", "restart", KUBELET, seconds=RESTART_SECONDS)
    machine.log(f"restarted {KUBELET}" if ended else f"systemctl restart {KUBELET} failed: {ended.said}")


def node_is_ready(machine: Machine, api: KubernetesApi, node: str) -> None:
    """Raises NotYet unless the node is Ready with the kubelet that is installed on this machine."""
    version = machine.must("kubelet", "--version").split()[-1]
    with probing():
        found = api.request("GET", node_path(node))
    runs = ((found.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion")
    if not is_ready(found) or runs != version:
        raise NotYet(f"Ready is {readiness(found)}, the kubelet {runs}")


def own_pods_are_ready(api: KubernetesApi, node: str) -> None:
    """Raises NotYet unless the pods are ready that every node has (of DaemonSets) and the machine's own."""
    with probing():
        pods = items(api.request("GET", pods_path(node)))
    sick = [pod["metadata"] for pod in pods if _is_own(pod) and not is_ready(pod)]
    if sick:
        raise NotYet("not ready: " + ", ".join(f"{one['namespace']}/{one['name']}" for one in sick))


def _is_own(pod: Object) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") in ("DaemonSet", "Node") for owner in owners)


class Rollout:
    """The changes that one run makes to its node, from the first `begin` to `end`."""

    def __init__(
        self,
        machine: Machine,
        api: KubernetesApi,
        node: str,
        settings: DrainSettings | None,
        others_serve: Callable[[], None] | None = None,
    ) -> None:
        """`settings` say how pods leave; None where they stay: a lone node has nobody who would take them.

        `others_serve` raises Failed unless the API stays without this control plane; None on a worker. There, the
        budgets of those who run pods say whether these may leave.
        """
        self.machine, self.api, self.node, self.settings = machine, api, node, settings
        self.others_serve = others_serve
        self.is_changing = self.is_drained = False

    def begin(self, what: str, drained: bool = False) -> None:
        """The platform serves without this node from here on. May be called again; pods leave once."""
        if not self.is_changing and self.others_serve:
            self.others_serve()
        self.is_changing = True
        self._write(what)
        self.machine.log(what)
        if drained and not self.is_drained:
            self._empty()

    def end(self) -> None:
        """The gate, on a node that had joined before this run. It also ends what an interrupted run began.

        Pods that can run only here have waited long enough once the kubelet serves: they may come back before the rest
        of the gate.
        """
        change = self._read(self.api.read_node(self.node))
        if not change:
            return
        node, what = self.node, change.get("what")
        self.machine.unit = KUBELET
        ready = f"the node {node} to be ready after the change ({what})"
        self.machine.retry_until(GATE_SECONDS, ready, lambda: node_is_ready(self.machine, self.api, node))
        self._take_pods(change)
        ready = f"the pods of the node itself to be ready after the change ({what})"
        self.machine.retry_until(GATE_SECONDS, ready, lambda: own_pods_are_ready(self.api, node))
        self._forget()
        self.machine.log(f"over: {what}")
        self.is_changing = self.is_drained = False

    def _read(self, node: Object) -> Object:
        """The change that the annotation names; empty when there is none. Raises Failed when it cannot be read."""
        text = (node["metadata"].get("annotations") or {}).get(ANNOTATION)
        try:
            change = json.loads(text or "{}")
            if isinstance(change, dict):
                return change
        except ValueError:
            pass
        raise Failed(
            f"the annotation {ANNOTATION} of the node {self.node} is not what the platform writes: {text!r}. Look "
            f"whether the node is well, then remove it (kubectl annotate node {self.node} {ANNOTATION}-) and run this "
            "again"
        )

    def _write(self, what: str) -> None:
        """Since when, and whether somebody else had cordoned the node, are kept from the first change."""
        node = self.api.read_node(self.node)
        before = self._read(node)
        since = before.get("since") or self.machine.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        cordoned = before.get("cordoned") if before else bool((node.get("spec") or {}).get("unschedulable"))
        self.api.annotate_node(self.node, ANNOTATION, {"what": what, "since": since, "cordoned": cordoned})

    def _empty(self) -> None:
        """Without other nodes the containers go on while their kubelet is changed."""
        if self.settings:
            try:
                cordon(self.api, self.node)
                drain(self.machine, self.api, self.node, self.settings)
            except BaseException:
                self._give_back()
                raise
        self.is_drained = True

    def _give_back(self) -> None:
        """A node whose pods could not all leave has not been changed, and goes on as before."""
        try:
            self._take_pods(self._read(self.api.read_node(self.node)))
            self._forget()
            self.machine.log("the node takes pods again")
        except (Failed, ApiError) as failure:
            # The reason why the run ends is another one. The next run finishes this.
            self.machine.log(f"the node stays cordoned until the next run: {failure}")

    def _take_pods(self, change: Object) -> None:
        """Unless somebody else had cordoned the node before."""
        if change.get("cordoned") is not True:
            uncordon(self.api, self.node)

    def _forget(self) -> None:
        self.api.annotate_node(self.node, ANNOTATION, None)
