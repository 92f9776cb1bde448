"""The cluster as its API describes it: nodes, the changes that `pulumi up` makes to them, and pods that do not run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ops.status.machine_report import UNREADABLE

#: Set by agent/kubernetes/rollout.py for as long as a node is being changed.
ANNOTATION = "openstack-paas/change"
#: Conditions that are bad when they hold (https://kubernetes.io/docs/reference/node/node-status/).
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
#: Where Kubernetes itself runs.
SYSTEM = "kube-system"
#: A pod may take this long to become ready before it counts, in seconds: images are pulled, volumes are created.
SETTLING = 180
#: Reasons to wait that time alone does not cure.
STUCK = (
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
)


@dataclass(frozen=True)
class Change:
    """What is being done to a node, and since when (Unix seconds)."""

    what: str
    since: float


@dataclass(frozen=True)
class Node:
    """One node. `conditions` are those that are bad now; `reason` says why it is not ready."""

    name: str
    role: str
    version: str
    """Its kubelet's, without the v."""
    ready: bool
    reason: str = ""
    conditions: tuple[str, ...] = ()
    cordoned: bool = False
    containerd: str = ""
    """Its version."""
    change: Change | None = None
    """What `pulumi up` is doing to it."""

    @property
    def state(self) -> str:
        """In words."""
        words = ["Ready" if self.ready else f"not Ready: {self.reason}", *self.conditions]
        if self.change:
            words.append(f"being changed: {self.change.what}")
        elif self.cordoned:
            words.append("cordoned")
        return ", ".join(words)


@dataclass(frozen=True)
class Pod:
    """One that is not ready. `seconds` since when; `bad` when that is a problem and no passing state."""

    namespace: str
    name: str
    node: str
    state: str
    reason: str
    seconds: int
    bad: bool


@dataclass(frozen=True)
class Pods:
    """How many run and are ready, and the others."""

    running: int
    others: tuple[Pod, ...] = ()
    servers: Mapping[str, str] = field(default_factory=dict)
    """The version of each API server, by its node."""


def read_nodes(document: Mapping[str, Any]) -> tuple[Node, ...]:
    """From the API's NodeList."""
    return tuple(sorted(map(_node, document["items"]), key=lambda node: (node.role, node.name)))


def _node(item: Mapping[str, Any]) -> Node:
    status = item.get("status", {})
    info, conditions = status.get("nodeInfo", {}), _conditions(status)
    ready = conditions.get("Ready", {})
    is_ready = ready.get("status") == "True"
    labels = item["metadata"].get("labels") or {}
    return Node(
        name=item["metadata"]["name"],
        role="control-plane" if "node-role.kubernetes.io/control-plane" in labels else "worker",
        version=info.get("kubeletVersion", "").removeprefix("v"),
        ready=is_ready,
        reason="" if is_ready else ready.get("message") or "it has not reported yet",
        conditions=tuple(name for name in PRESSURES if conditions.get(name, {}).get("status") == "True"),
        cordoned=bool(item.get("spec", {}).get("unschedulable")),
        containerd=info.get("containerRuntimeVersion", "").removeprefix("containerd://"),
        change=_change((item["metadata"].get("annotations") or {}).get(ANNOTATION)),
    )


def _conditions(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {condition["type"]: condition for condition in status.get("conditions", [])}


def _change(annotation: str | None) -> Change | None:
    """None for a node that is not being changed."""
    if not annotation:
        return None
    try:
        found = json.loads(annotation)
        return Change(str(found["what"]), datetime.fromisoformat(found["since"]).timestamp())
    except UNREADABLE:
        # Of another release: that something is under way is shown all the same.
        return Change("a change that this release does not know", 0)


def read_pods(document: Mapping[str, Any], now: float) -> Pods:
    """From the API's PodList."""
    running, others, servers = 0, list[Pod](), dict[str, str]()
    for item in document["items"]:
        metadata, spec, status = item["metadata"], item["spec"], item.get("status", {})
        if (metadata.get("labels") or {}).get("component") == "kube-apiserver" and metadata["namespace"] == SYSTEM:
            tag = spec["containers"][0]["image"].partition("@")[0].rpartition(":")[2]
            servers[spec.get("nodeName", "")] = tag.removeprefix("v")
        ready = _conditions(status).get("Ready", {}).get("status") == "True"
        if status.get("phase") == "Running" and ready and "deletionTimestamp" not in metadata:
            running += 1
        elif status.get("phase") != "Succeeded":
            others.append(_pod(metadata, spec.get("nodeName", ""), status, now))
    return Pods(running, tuple(sorted(others, key=lambda pod: (not pod.bad, pod.namespace, pod.name))), servers)


def _pod(metadata: Mapping[str, Any], node: str, status: Mapping[str, Any], now: float) -> Pod:
    since = _conditions(status).get("Ready", {}).get("lastTransitionTime") or metadata.get("creationTimestamp", "")
    seconds = int(now - datetime.fromisoformat(since).timestamp()) if since else 0
    reason, stuck = _reason(status)
    state = status.get("phase") or "Unknown"
    if "deletionTimestamp" in metadata:
        # On a lost node it stays like this until the node is back or given up: the node is the problem.
        state, bad = "Terminating", False
    elif state == "Failed":
        # A Job starts another one, and its owner shows whether that is a problem.
        bad = not any(owner["kind"] == "Job" for owner in metadata.get("ownerReferences", []))
    else:
        bad = stuck or seconds > SETTLING
    state = "not ready" if state == "Running" else state
    return Pod(metadata["namespace"], metadata["name"], node, state, reason, seconds, bad)


def _reason(status: Mapping[str, Any]) -> tuple[str, bool]:
    """Why it is not ready, in the API's words, and whether that is one of STUCK."""
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    waiting = [(one["name"], one.get("state", {}).get("waiting", {}).get("reason")) for one in containers]
    for name, reason in sorted(waiting, key=lambda pair: pair[1] not in STUCK):
        if reason not in (None, "PodInitializing"):
            return f"{name}: {reason}", reason in STUCK
    if status.get("message"):
        return status["message"], False
    for kind in ("PodScheduled", "Ready"):
        condition = _conditions(status).get(kind, {})
        if condition.get("status") == "False" and condition.get("message"):
            return condition["message"], False
    return status.get("reason", ""), False
