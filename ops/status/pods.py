"""Pods that do not run as they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: Where Kubernetes itself runs.
SYSTEM = "kube-system"
#: A pod may take this long to become ready before it counts, in seconds: images are pulled, volumes made.
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


def read(document: Mapping[str, Any], now: float) -> Pods:
    """From the API's PodList."""
    running, others = 0, []
    for item in document["items"]:
        phase = item.get("status", {}).get("phase", "")
        if phase == "Succeeded":
            continue
        if phase == "Running" and _ready(item) and "deletionTimestamp" not in item["metadata"]:
            running += 1
        else:
            others.append(_pod(item, phase, now))
    shown = sorted(others, key=lambda pod: (not pod.bad, pod.namespace, pod.name))
    return Pods(running, tuple(shown), dict(_servers(document)))


def _servers(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for item in document["items"]:
        metadata = item["metadata"]
        if (metadata.get("labels") or {}).get("component") == "kube-apiserver" and metadata["namespace"] == SYSTEM:
            image = item["spec"]["containers"][0]["image"]
            yield item["spec"].get("nodeName", ""), image.partition("@")[0].rpartition(":")[2].removeprefix("v")


def _ready(item: Mapping[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in item["status"].get("conditions", []))


def _pod(item: Mapping[str, Any], phase: str, now: float) -> Pod:
    metadata, status = item["metadata"], item.get("status", {})
    conditions = {one["type"]: one for one in status.get("conditions", [])}
    since = conditions.get("Ready", {}).get("lastTransitionTime") or metadata.get("creationTimestamp", "")
    seconds = int(now - datetime.fromisoformat(since).timestamp()) if since else 0
    reason, stuck = _reason(status, conditions)
    state = phase or "Unknown"
    if "deletionTimestamp" in metadata:
        # Where its node is lost it stays like this until the node is back or given up: the node is the problem.
        state, bad = "Terminating", False
    elif phase == "Failed":
        # A Job makes another one, and its owner tells whether that is a problem.
        bad = not any(owner["kind"] == "Job" for owner in metadata.get("ownerReferences", []))
    else:
        state = "not ready" if phase == "Running" else state
        bad = stuck or seconds > SETTLING
    return Pod(metadata["namespace"], metadata["name"], item["spec"].get("nodeName", ""), state, reason, seconds, bad)


def _reason(status: Mapping[str, Any], conditions: Mapping[str, Any]) -> tuple[str, bool]:
    """Why, in the API's words, and whether that is one of STUCK."""
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    for container in containers:
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") in STUCK:
            return f"{container['name']}: {waiting['reason']}", True
    for container in containers:
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") not in (None, "PodInitializing"):
            return f"{container['name']}: {waiting['reason']}", False
    if status.get("message"):
        return status["message"], False
    for name in ("PodScheduled", "Ready"):
        condition = conditions.get(name, {})
        if condition.get("status") == "False" and condition.get("message"):
            return condition["message"], False
    return status.get("reason", ""), False
