"""Labels and taints of all nodes that have joined follow the settings: kubeadm gives them to new nodes only.

A control plane changes them, since a node may change neither its own taints nor every label.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.kubernetes.drain import DrainSettings
from agent.kubernetes.registration import follow_labels_and_taints
from agent.kubernetes.rollout import Rollout
from agent.kubernetes_api import KubernetesApi, Object, name_of
from agent.machine import Machine

#: The label that names a worker's pool.
POOL: Final = "openstack-paas/pool"


@dataclass(frozen=True)
class Group:
    """The nodes of a pool, or the control planes. One node more or less does not change it."""

    prefix: str
    """How the names of its nodes begin."""
    pool: str
    """The value of their label POOL, "" for control planes."""
    labels: tuple[str, ...]
    """As key=value."""
    taints: tuple[str, ...]
    """As key=value:Effect or key:Effect."""


@dataclass(frozen=True)
class LabelsAndTaints:
    """Those of all nodes that the platform made."""

    groups: tuple[Group, ...]
    drained: bool
    """Whether pods leave before a taint drives them away: a lone node has nobody who would take them."""
    drain: DrainSettings


def group_of(node: Object, groups: Sequence[Group]) -> Group | None:
    """By the name, then by the label of the pool, then the longer name; None for a node that is not the platform's."""
    name, pool = name_of(node), (node["metadata"].get("labels") or {}).get(POOL, "")
    fitting = [group for group in groups if name.startswith(group.prefix)]
    return max(fitting, key=lambda group: (group.pool == pool, len(group.prefix)), default=None)


def follow(machine: Machine, api: KubernetesApi, wanted: LabelsAndTaints) -> None:
    """One node after another. Those that are as wanted are left alone. Raises Failed."""
    count = 0
    for node in api.nodes():
        if group := group_of(node, wanted.groups):
            name = name_of(node)
            rollout = Rollout(machine, api, name, wanted.drain if wanted.drained else None)
            follow_labels_and_taints(machine, api, name, group.labels, group.taints, rollout)
            if rollout.is_changing:
                rollout.end()
            count += 1
    machine.log(f"labels and taints of {count} nodes are as wanted")
