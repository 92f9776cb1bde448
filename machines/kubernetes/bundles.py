"""The bundles of control planes and workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from machines.common.base import (
    machine_files,
    machine_settings,
    metadata_firewall,
    proxy_variables,
    role_packages,
    script_file,
    scripts,
    settings_file,
)
from machines.common.bundle import Bundle, File
from machines.kubernetes.certificates import api_server_names, signing
from machines.kubernetes.containerd import containerd_files
from machines.kubernetes.kubeadm import (
    LOCAL_ADDRESS,
    api_port,
    bootstrap_kubeconfig,
    dns_budget,
    init_configuration,
    join_configuration,
    kubelet_configuration,
    local_endpoint,
    node_replacing_rights,
)
from machines.parts import Base, KeyPair
from machines.specs import Containerd, ControlPlaneSpec, Kubelet, Kubernetes, WorkerSpec
from machines.common.templates import read_script, read_unit, render_template
from machines.common.volume import Use, volume_settings, with_volume

_SCRIPTS: Final = (
    "common/machine.sh",
    "common/packages.sh",
    "common/maintenance.sh",
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
_CONTROL_PLANE_SCRIPTS: Final = (
    "kubernetes/control-plane-state.sh",
    "common/issuer.sh",
    "kubernetes/api-server-restart.sh",
    "kubernetes/upgrade-control-plane.sh",
    "kubernetes/static-pods.sh",
    "kubernetes/control-plane-certificates.sh",
    "kubernetes/kube-proxy.sh",
)

_KERNEL_MODULES: Final = ("overlay", "br_netfilter")
_KERNEL_VALUES: Final = ("net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")


def control_plane(spec: ControlPlaneSpec) -> Bundle:
    """A control plane with external etcd: initialises the cluster or joins it, whichever is called for."""
    kubernetes = spec.kubernetes
    wanted = role_packages(spec.base.packages, node=True, etcd=True)
    settings = _settings(spec.base, wanted, kubernetes, spec.kubelet) | {
        "API_PORT": str(api_port(kubernetes)),
        "ETCD_ENDPOINTS": ",".join(spec.etcd_endpoints),
        "API_NAMES": api_server_names(spec),
        "SIGNING": [f"--{name}={value}" for name, value in signing(kubernetes).items()],
    }
    return Bundle(
        "control-plane",
        (
            *scripts("kubernetes/control-plane.sh", *_SCRIPTS, *_CONTROL_PLANE_SCRIPTS),
            File("initialise", read_script("kubernetes/initialise.sh"), 0o755),
            File("etcd-endpoints", read_script("kubernetes/etcd-endpoints.sh"), 0o755),
            script_file("kubernetes/api-server.sh", 0o755),
            *_node_files(spec.base, spec.containerd, kubernetes),
            *_bootstrap(bootstrap_kubeconfig(kubernetes, "control-plane", kubernetes.endpoint), spec.bootstrap),
            settings_file(settings),
            File("files/rights.yaml", node_replacing_rights()),
            File("files/disruption.yaml", dns_budget()),
            File("files/init.yaml", init_configuration(spec)),
            File("files/join.yaml", join_configuration(spec.base, spec.kubelet, "control-plane", spec)),
            *_key_pair("ca", spec.ca, certificate=False),
            *_key_pair("front-proxy-ca", spec.front_proxy_ca),
            File("pki/sa.pub", spec.service_account.certificate),
            *_key_pair("sa", spec.service_account, certificate=False),
            File("pki/etcd/ca.crt", spec.etcd_ca_certificate),
            *_key_pair("apiserver-etcd-client", spec.etcd_client),
        ),
        # Longer than its waits one after another: cloud-init, etcd, the lock, the API, the join, others' API servers.
        limit_seconds=1500,
    )


def worker(spec: WorkerSpec) -> Bundle:
    """A worker: joins once the API answers, by a balancer of its own: gateways may be away."""
    wanted = role_packages(spec.base.packages, node=True, balancer=True)
    endpoint = local_endpoint(spec.kubernetes)
    use = Use(next(iter(spec.kubelet.volume_directories), ""), "kubelet.service")
    settings = _settings(spec.base, wanted, spec.kubernetes, spec.kubelet) | volume_settings(spec.volume, use)
    settings |= {"ENDPOINT": endpoint}
    files = (
        *scripts("kubernetes/worker.sh", *_SCRIPTS),
        *_node_files(spec.base, spec.containerd, spec.kubernetes),
        *_bootstrap(bootstrap_kubeconfig(spec.kubernetes, "worker", endpoint), spec.bootstrap),
        File("files/haproxy.cfg", _api_balancer(spec)),
        File("files/openstack-paas-haproxy.conf", read_unit("kubernetes/haproxy-service.conf")),
        settings_file(settings),
        File("files/join.yaml", join_configuration(spec.base, spec.kubelet, "worker")),
        *_volume_folders(spec.kubelet.volume_directories),
    )
    return Bundle("worker", with_volume(files, spec.volume, use))


def _volume_folders(folders: Sequence[str]) -> list[File]:
    """What keeps volumes in these folders usable. A unit without lines means that there shall be none."""
    unit = "openstack-paas-volume-folders"
    return [
        script_file("kubernetes/volume-folders.sh"),
        *(
            File(
                f"files/{unit}.{kind}", render_template(f"kubernetes/volume-folders.{kind}.j2", folders=folders) if folders else ""
            )
            for kind in ("path", "service")
        ),
    ]


def _settings(
    base: Base, wanted: list[str], kubernetes: Kubernetes, kubelet: Kubelet
) -> dict[str, str | Sequence[str]]:
    """The settings that kubernetes.sh reads."""
    return machine_settings(base, wanted, _KERNEL_VALUES, _KERNEL_MODULES) | {
        "KUBERNETES_VERSION": base.packages.kubernetes,
        "ENDPOINT": kubernetes.endpoint,
        "IGNORE_PREFLIGHT_ERRORS": ",".join(kubernetes.ignore_preflight_errors),
        "VOLUME_DIRECTORIES": list(kubelet.volume_directories),
        "DRAINED": "false" if kubelet.alone else "true",
        "DRAIN_SECONDS": str(kubelet.drain_seconds),
        "BARE_PODS": kubelet.bare_pods,
        "NODE_LABELS": [f"{key}={value}" for key, value in sorted(kubelet.labels.items())],
        "NODE_TAINTS": list(kubelet.taints),
        "GENERATION": kubernetes.renewal.generation,
        "CERTIFICATE_EPOCH": kubernetes.renewal.epoch,
        "RENEWAL_SECONDS": str(kubernetes.renewal.renewal_hours * 3600),
    }


def _api_balancer(spec: WorkerSpec) -> str:
    """The API for the worker itself, from all API servers that there may be."""
    return render_template(
        "kubernetes/haproxy.cfg.j2", address=LOCAL_ADDRESS, port=api_port(spec.kubernetes), servers=spec.api_servers
    )


def _bootstrap(kubeconfig: str, pair: KeyPair) -> list[File]:
    """What a machine joins with, and forgets afterwards."""
    return [
        File("bootstrap.conf", kubeconfig),
        File("bootstrap.crt", pair.certificate),
        File("bootstrap.key", pair.private_key, 0o600, secret=True),
    ]


def _node_files(base: Base, containerd: Containerd, kubernetes: Kubernetes) -> list[File]:
    """The files of every node of the cluster."""
    variables = proxy_variables(base.proxy)
    return [
        *machine_files(base, _KERNEL_VALUES, _KERNEL_MODULES),
        metadata_firewall(base),
        *containerd_files(containerd),
        File("files/kubelet.yaml", kubelet_configuration(kubernetes)),
        File("files/service-proxy.conf", render_template("kubernetes/service-proxy.conf.j2", variables=variables)),
        File("pki/ca.crt", kubernetes.ca_certificate),
    ]


def _key_pair(name: str, pair: KeyPair, *, certificate: bool = True) -> list[File]:
    """A certificate, unless it is in the bundle already, and its key."""
    key = File(f"pki/{name}.key", pair.private_key, 0o600, secret=True)
    return [File(f"pki/{name}.crt", pair.certificate), key] if certificate else [key]
