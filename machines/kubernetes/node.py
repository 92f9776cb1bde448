"""What the desired states of control planes and workers have in common."""

from collections.abc import Mapping
from typing import Any, Final

from agent.kubernetes.drain import DrainSettings
from agent.kubernetes.node_settings import NodeSettings
from machines.common.machine import proxy_variables
from machines.common.templates import render_template
from machines.kubernetes.containerd import desired_containerd
from machines.kubernetes.joining import bootstrap
from machines.kubernetes.kubeadm import (
    bootstrap_kubeconfig,
    join_configuration,
    kubelet_configuration,
    node_labels,
    node_taints,
)
from settings.plan import PlannedMachine
from settings.platform import Platform

#: What machine_state gets for each node.
KERNEL: Final[Mapping[str, Any]] = {
    "kernel_modules": ("overlay", "br_netfilter"),
    "kernel_values": ("net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1"),
}


def node_settings(
    platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str], endpoint: str
) -> NodeSettings:  # fmt: skip
    """Of every node of the cluster, which joins by the API at `endpoint`.

    `secrets` has the cluster's certificate authority, `ca`, and what `bootstrap` reads.
    """
    given, plan = platform.settings, platform.plan
    return NodeSettings(
        name=planned.hostname,
        role=planned.role,
        endpoint=endpoint,
        version=given.kubernetes.version,
        join_configuration=join_configuration(platform, planned),
        bootstrap=bootstrap(platform, planned, secrets, bootstrap_kubeconfig(platform, planned.role, endpoint)),
        ignored_checks=tuple(given.kubernetes.ignore_preflight_errors),
        authorities=secrets["ca"],
        generation=given.certificates.authorities.issuing,
        epoch=given.certificates.epoch,
        renewal_seconds=given.certificates.renewal_hours * 3600,
        # A lone node has nobody who would take its pods.
        drained=len(plan.control_planes) + len(plan.workers) > 1,
        drain=DrainSettings(given.rollout.drain_seconds, given.rollout.bare_pods),
        labels=tuple(node_labels(platform, planned)),
        taints=node_taints(platform, planned),
        kubelet_configuration=kubelet_configuration(given),
        containerd=desired_containerd(
            given, render_template("kubernetes/service-proxy.conf.j2", variables=proxy_variables(platform))
        ),
    )
