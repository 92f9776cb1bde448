"""What Pulumi runs on a control plane for the whole cluster: nodes that leave, kube-proxy, labels and taints."""

from typing import Final, Literal

from agent.kubernetes.cluster_commands import KubeProxy
from agent.kubernetes.drain import DrainSettings
from agent.kubernetes.labels_and_taints import Group, LabelsAndTaints
from agent.kubernetes.leave import Departure
from machines.common.agent_command import AgentCommand
from machines.kubernetes.api import LOCAL_ENDPOINT
from machines.kubernetes.kubeadm import control_plane_taints, pool_labels
from settings.platform import Platform

_ROLE: Final = "control-plane"
#: Seconds: an API that is away for a while, four times.
KUBE_PROXY_SECONDS: Final = 300
#: Seconds for all of a node's leaving except the drain: the wait for others that leave in the same run
#: (agent/kubernetes/leave.py: TURN_SECONDS), and an API that is away for a while, three times.
_LEAVE_SECONDS: Final = 3600 + 240
#: Seconds for labels and taints of all nodes, except one drain: dozens of drains of a minute.
_NODES_SECONDS: Final = 3600


def leave_command(platform: Platform, hostname: str, data: Literal["", "kept", "lose"] = "") -> AgentCommand:
    """The command by which a node leaves the cluster before its machine is deleted.

    `data` is `kept` or `lose` where the machine is replaced and comes back with its volumes, or may lose them;
    otherwise volumes with a claim hold the node.
    """
    rollout = platform.settings.rollout
    departure = Departure(hostname, rollout.drain_seconds, rollout.bare_pods, data)
    return AgentCommand(_ROLE, departure, "leave", rollout.drain_seconds + _LEAVE_SECONDS, installed=True)


def kube_proxy_command(platform: Platform) -> AgentCommand:
    """The command that points kube-proxy at its own node, once every node has an API of its own."""
    wanted = KubeProxy(f"https://{LOCAL_ENDPOINT}", platform.settings.kubernetes.version)
    return AgentCommand(_ROLE, wanted, "kube-proxy", KUBE_PROXY_SECONDS, installed=True)


def nodes_command(platform: Platform) -> AgentCommand:
    """The command that brings labels and taints to nodes that have joined.

    It runs again when those of the control planes or of a pool change, and not for one machine more or less.
    """
    settings, plan = platform.settings, platform.plan
    groups = [Group(f"{platform.cluster}-control-plane-", "", (), control_plane_taints(settings))]
    for name, pool in sorted(settings.workers.items()):
        groups.append(Group(f"{platform.cluster}-worker-{name}-", name, pool_labels(name, pool), pool.taints))
    rollout = settings.rollout
    drain = DrainSettings(rollout.drain_seconds, rollout.bare_pods)
    alone = len(plan.control_planes) + len(plan.workers) == 1
    wanted = LabelsAndTaints(tuple(groups), not alone, drain)
    return AgentCommand(_ROLE, wanted, "nodes", rollout.drain_seconds + _NODES_SECONDS, installed=True)
