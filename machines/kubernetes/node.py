"""What the bundles of control planes and workers have in common."""

from collections.abc import Iterable, Mapping
from typing import Final

from machines.common.bundle import File, ScriptSettings, secret_key
from machines.common.machine import machine_files, machine_settings, metadata_firewall, proxy_variables
from machines.common.templates import render_template
from machines.kubernetes.api import api_endpoint
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


def node_files(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str], endpoint: str) -> list[File]:
    """The files of every node of the cluster, which joins by the API at `endpoint`.

    `secrets` has the cluster's certificate authority, `ca`, and the certificate to join with, `bootstrap`.
    """
    variables = proxy_variables(platform)
    return [
        *machine_files(platform, _KERNEL_VALUES, _KERNEL_MODULES),
        metadata_firewall(),
        *containerd_files(platform.settings),
        File("files/kubelet.yaml", kubelet_configuration(platform.settings)),
        File("files/join.yaml", join_configuration(platform, planned)),
        File("files/service-proxy.conf", render_template("kubernetes/service-proxy.conf.j2", variables=variables)),
        File("pki/ca.crt", secrets["ca"]),
        # What a machine joins with, and forgets afterwards.
        File("bootstrap.conf", bootstrap_kubeconfig(platform, planned.role, endpoint)),
        File("bootstrap.crt", secrets["bootstrap"]),
        secret_key("bootstrap", secrets["bootstrap_key"]),
    ]


def node_settings(
    platform: Platform, planned: PlannedMachine, wanted: Iterable[str], volume_directories: Iterable[str] = ()
) -> ScriptSettings:
    """The settings that the scripts of every node read. Local volumes lie in the `volume_directories`."""
    settings, plan = platform.settings, platform.addresses
    # A lone node has nobody who would take its pods.
    alone = len(plan.control_planes) + len(plan.workers) == 1
    return machine_settings(platform, planned, wanted, _KERNEL_VALUES, _KERNEL_MODULES) | {
        "KUBERNETES_VERSION": settings.kubernetes.version,
        "ENDPOINT": api_endpoint(platform),
        "IGNORE_PREFLIGHT_ERRORS": ",".join(settings.kubernetes.ignore_preflight_errors),
        "VOLUME_DIRECTORIES": list(volume_directories),
        "DRAINED": "false" if alone else "true",
        "DRAIN_SECONDS": str(settings.rollout.drain_seconds),
        "BARE_PODS": settings.rollout.bare_pods,
        "NODE_LABELS": node_labels(platform, planned),
        "NODE_TAINTS": list(node_taints(platform, planned)),
        "GENERATION": settings.certificates.authorities.issuing,
        "CERTIFICATE_EPOCH": settings.certificates.epoch,
        "RENEWAL_SECONDS": str(settings.certificates.renewal_hours * 3600),
    }
