"""Nodes of the cluster, as the API sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.status.rollout import Change, change

#: Conditions that are bad when they hold (https://kubernetes.io/docs/reference/node/node-status/).
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


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
    """What `pulumi up` does to it now."""

    @property
    def state(self) -> str:
        """In words."""
        words = ["Ready" if self.ready else f"not Ready: {self.reason}", *self.conditions]
        if self.change:
            return ", ".join([*words, f"being changed: {self.change.what}"])
        return ", ".join(words + ["cordoned"] * self.cordoned)


def read(document: Mapping[str, Any]) -> list[Node]:
    """From the API's NodeList."""
    return sorted((_node(item) for item in document["items"]), key=lambda node: (node.role, node.name))


def _node(item: Mapping[str, Any]) -> Node:
    status = item.get("status", {})
    info = status.get("nodeInfo", {})
    conditions = {one["type"]: one for one in status.get("conditions", [])}
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
        change=change(item),
    )
