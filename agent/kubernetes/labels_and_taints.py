"""Labels and taints of nodes that have joined follow the settings: kubeadm gives them to new nodes only.

A control plane changes them, since a node may change neither its own taints nor every label. What the platform has
given a node before is in the kubelet's own flags. A node whose flags change says in its object what they were
(agent/kubernetes/registration.py), so what others have put on it stays.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agent.kubernetes.cluster_authorities import list_nodes
from agent.kubernetes.drain import DrainSettings
from agent.kubernetes.rollout import Rollout, RolloutSettings
from agent.kubernetes_api import KubernetesApi, Object, node_path, probing
from agent.machine import Failed, Machine

#: The annotation of a node with the labels and taints that it registered with, once others are wanted.
FORMER: Final = "openstack-paas/former-registration"
#: The label that names a worker's pool.
POOL: Final = "openstack-paas/pool"
#: kubeadm marks control planes with it, without a flag of the kubelet.
CONTROL_PLANE_TAINT: Final = "node-role.kubernetes.io/control-plane:NoSchedule"


@dataclass(frozen=True)
class Group:
    """The nodes of a pool, or the control planes. One node more or less does not change it."""

    prefix: str
    """How the names of its nodes begin."""
    pool: str = ""
    """The value of their label POOL. Control planes have none."""
    labels: tuple[str, ...] = ()
    """As key=value."""
    taints: tuple[str, ...] = ()
    """As key=value:Effect or key:Effect."""


@dataclass(frozen=True)
class LabelsAndTaints:
    """Those of all nodes that the platform made."""

    groups: tuple[Group, ...]
    drained: bool
    """Whether pods leave before a taint drives them away: a lone node has nobody who would take them."""
    drain: DrainSettings


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


def read_former(node: Object) -> tuple[list[str], list[str]]:
    """The labels and taints that the node says the platform gave before. Raises Failed when they cannot be read."""
    text = (node["metadata"].get("annotations") or {}).get(FORMER)
    try:
        labels, taints = json.loads(text or "[[], []]")
        if all(isinstance(word, str) for word in [*labels, *taints]):
            return list(labels), list(taints)
    except (ValueError, TypeError):
        pass
    name = node["metadata"]["name"]
    raise Failed(
        f"the annotation {FORMER} of the node {name} is not what the platform writes: {text!r}. Remove it (kubectl "
        f"annotate node {name} {FORMER}-), look at the node's labels and taints, and run this again"
    )


def former_patch(node: Object, labels: Iterable[str], taints: Iterable[str]) -> Object:
    """What a node says of the labels and taints that it has had, beside what it says already."""
    said = read_former(node)
    both = [sorted({*old, *more}) for old, more in zip(said, (labels, taints), strict=True)]
    return {"metadata": {"annotations": {FORMER: json.dumps(both, separators=(",", ":"))}}}


def registration_patch(node: Object, group: Group) -> tuple[Object, bool]:
    """What has to change in a node's object, empty when nothing has to; and whether it makes pods leave at once.

    Labels and taints that the platform gave before and that are not wanted any more go, those of others stay. With
    taints comes the version of the object, since others write taints too.
    """
    old_labels, old_taints = read_former(node)
    metadata, patch = node["metadata"], dict[str, Any]()
    has = metadata.get("labels") or {}
    wanted: dict[str, str | None] = {key: None for key, _ in map(read_label, old_labels)}
    wanted |= dict(map(read_label, group.labels))
    if changed := {key: value for key, value in wanted.items() if value != has.get(key)}:
        patch["metadata"] = {"labels": changed}
    mine = [read_taint(text) for text in group.taints]
    ours = {_place(taint) for taint in [*map(read_taint, old_taints), *mine]}
    if not group.pool:
        ours.add(_place(read_taint(CONTROL_PLANE_TAINT)))
    now = (node.get("spec") or {}).get("taints") or []
    result = [taint for taint in now if _place(taint) not in ours] + mine
    if _sorted(now) != _sorted(result):
        patch.setdefault("metadata", {})["resourceVersion"] = metadata["resourceVersion"]
        patch["spec"] = {"taints": result}
    if FORMER in (metadata.get("annotations") or {}):
        patch.setdefault("metadata", {})["annotations"] = {FORMER: None}
    had = {_place(taint) for taint in now}
    return patch, any(taint["effect"] == "NoExecute" and _place(taint) not in had for taint in mine)


def group_of(node: Object, groups: Sequence[Group]) -> Group | None:
    """The group of a node, None for one that the platform did not make.

    By its name. Where the names of two pools begin alike, its label decides, then the longer name.
    """
    metadata = node["metadata"]
    pool = (metadata.get("labels") or {}).get(POOL, "")
    fitting = [group for group in groups if metadata["name"].startswith(group.prefix)]
    return max(fitting, key=lambda group: (group.pool == pool, len(group.prefix)), default=None)


def follow(machine: Machine, api: KubernetesApi, wanted: LabelsAndTaints) -> None:
    """One node after another, those alone that differ. Raises Failed."""
    nodes = list_nodes(api)
    changed = [node["metadata"]["name"] for node in nodes if _follow(machine, api, wanted, node)]
    machine.log(f"of {len(nodes)} nodes {len(changed)} had other labels or taints")


def _follow(machine: Machine, api: KubernetesApi, wanted: LabelsAndTaints, node: Object) -> bool:
    name, group = node["metadata"]["name"], group_of(node, wanted.groups)
    patch, evicts = registration_patch(node, group) if group else ({}, False)
    if not group or not patch:
        return False
    rollout = Rollout(machine, api, RolloutSettings(name, wanted.drained, wanted.drain))
    if evicts:
        # It would make pods leave without asking any budget.
        rollout.begin(f"taints of {name}", drained=True)
    machine.log(f"{name}: {json.dumps(patch, separators=(',', ':'))}")
    machine.retry_until(
        60, f"the API to take labels and taints of the node {name}", lambda: _write(api, name, group)
    )  # fmt: skip
    if evicts:
        rollout.end()
    return True


def _write(api: KubernetesApi, name: str, group: Group) -> None:
    """One try, by the present state of the object."""
    with probing():
        patch, _ = registration_patch(api.request("GET", node_path(name)), group)
        if patch:
            api.request("PATCH", node_path(name), patch)
