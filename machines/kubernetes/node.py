"""What the bundles of control planes and workers have in common."""

from collections.abc import Iterable, Mapping
from typing import Final

from machines.common.bundle import File, ScriptSettings, secret_key
from machines.common.machine import machine_files, proxy_variables
from machines.common.templates import render_template
from machines.kubernetes.containerd import containerd_files
from machines.kubernetes.kubeadm import (
    bootstrap_kubeconfig,
    join_configuration,
    kubelet_configuration,
    node_labels,
    node_taints,
)
from settings.plan import PlannedMachine
from settings.platform import Platform

NODE_SCRIPTS: Final = (
    "kubernetes/containerd.sh",
    "kubernetes/node.sh",
    "kubernetes/drain.sh",
    "kubernetes/rollout.sh",
    "kubernetes/upgrade.sh",
    "kubernetes/registration.sh",
    "common/digests.sh",
    "kubernetes/authorities.sh",
    "kubernetes/node-certificates.sh",
)
_KERNEL_MODULES: Final = ("overlay", "br_netfilter")
_KERNEL_VALUES: Final = ("net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")


def node_files(
    platform: Platform,
    planned: PlannedMachine,
    secrets: Mapping[str, str],
    endpoint: str,
    wanted: Iterable[str],
    settings: ScriptSettings,
) -> list[File]:
    """The files of every node of the cluster, which joins by the API at `endpoint`, and the settings of its scripts.

    `secrets` has the cluster's certificate authority, `ca`, and the certificate to join with, `bootstrap`. `wanted` and
    `settings` are the packages and settings of its role.
    """
    given, plan = platform.settings, platform.plan
    # A lone node has nobody who would take its pods.
    alone = len(plan.control_planes) + len(plan.workers) == 1
    common: ScriptSettings = {
        "KUBERNETES_VERSION": given.kubernetes.version,
        "ENDPOINT": endpoint,
        "IGNORE_PREFLIGHT_ERRORS": ",".join(given.kubernetes.ignore_preflight_errors),
        # Folders that local volumes lie in: workers have one.
        "VOLUME_DIRECTORIES": [],
        "DRAINED": "false" if alone else "true",
        "DRAIN_SECONDS": str(given.rollout.drain_seconds),
        "BARE_PODS": given.rollout.bare_pods,
        "NODE_LABELS": node_labels(platform, planned),
        "NODE_TAINTS": list(node_taints(platform, planned)),
        "GENERATION": given.certificates.authorities.issuing,
        "CERTIFICATE_EPOCH": given.certificates.epoch,
        "RENEWAL_SECONDS": str(given.certificates.renewal_hours * 3600),
    }
    variables = proxy_variables(platform)
    return [
        *machine_files(platform, planned, wanted, common | settings, _KERNEL_VALUES, _KERNEL_MODULES),
        *containerd_files(given),
        File("files/kubelet.yaml", kubelet_configuration(given)),
        File("files/join.yaml", join_configuration(platform, planned)),
        File("files/service-proxy.conf", render_template("kubernetes/service-proxy.conf.j2", variables=variables)),
        File("pki/ca.crt", secrets["ca"]),
        # What a machine joins with, and forgets afterwards.
        File("bootstrap.conf", bootstrap_kubeconfig(platform, planned.role, endpoint)),
        File("bootstrap.crt", secrets["bootstrap"]),
        secret_key("bootstrap", secrets["bootstrap_key"]),
    ]
