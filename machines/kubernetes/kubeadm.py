"""kubeadm's configuration files (kubeadm.k8s.io/v1beta4) and the kubeconfig with which a machine joins."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from agent.kubernetes.labels_and_taints import POOL
from machines.etcd.command import endpoints
from machines.kubernetes.api import PKI, api_endpoint, certificate_sans, signing
from machines.kubernetes.joining import GROUP
from settings import ports
from settings.machines import WorkerPoolSettings
from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.platform_settings import PlatformSettings
from settings.presets import merged

_CONTROL_PLANE_TAINT: Final = "node-role.kubernetes.io/control-plane=:NoSchedule"

#: The one in C says the same (tests/unit/machines/test_golden.py), ten times as fast; PyYAML's wheels have it.
DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
API_VERSION: Final = "kubeadm.k8s.io/v1beta4"
CRI_SOCKET: Final = "unix:///run/containerd/containerd.sock"

#: Where the agent puts it, by role; file discovery wants an absolute path.
BOOTSTRAP_PATH: Final = "/opt/openstack-paas/{role}/bootstrap.conf"

#: kubeadm always makes a bootstrap token on init, along with the rights that joining by certificate needs too. Nobody
#: sees this one, and it expires by itself.
_TOKEN_LIFE: Final = "1m0s"

#: A node that has not reported for this long is lost; the kubelet reports every 10 s. Kubernetes' own value is 50.
SILENT_NODE_SECONDS: Final = 40
#: Pods stay bound to a lost node for this long before they are replaced elsewhere, unless they set their own time.
#: Kubernetes' own value, 300, is more than most services can be away.
LOST_NODE_SECONDS: Final = 20
_TOLERATIONS: Final = ("default-not-ready-toleration-seconds", "default-unreachable-toleration-seconds")


def init_configuration(platform: Platform, planned: PlannedMachine, outside: Sequence[str], ca_certificate: str) -> str:
    """The four documents of `kubeadm init`: how this node starts, the cluster, all kubelets, all kube-proxies.

    `outside` are the API's addresses that only the cloud knows.
    """
    init = {
        "apiVersion": API_VERSION,
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"ttl": _TOKEN_LIFE, "usages": ["signing", "authentication"], "groups": [GROUP]}],
        "localAPIEndpoint": _own_endpoint(planned),
        "nodeRegistration": _node_registration(platform, planned),
    }
    kube_proxy = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}
    kube_proxy |= platform.settings.kubernetes.kube_proxy_configuration
    cluster = _cluster_configuration(platform, outside, ca_certificate)
    return _documents(init, cluster, _kubelet(platform.settings), kube_proxy)


def kubelet_configuration(settings: PlatformSettings) -> str:
    """The configuration of all kubelets; nodes that have joined follow it (agent/kubernetes/registration.py)."""
    return _documents(_kubelet(settings))


def _kubelet(settings: PlatformSettings) -> dict[str, Any]:
    kind = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
    ours = {"cgroupDriver": "systemd", "maxPods": settings.kubernetes.pods_per_node}
    return kind | merged(ours, settings.kubernetes.kubelet_configuration)


def join_configuration(platform: Platform, planned: PlannedMachine) -> str:
    """The document of `kubeadm join`, by file discovery."""
    join: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": BOOTSTRAP_PATH.format(role=planned.role)}},
        "nodeRegistration": _node_registration(platform, planned),
    }
    if planned.role == "control-plane":
        join["controlPlane"] = {"localAPIEndpoint": _own_endpoint(planned)}
    return _documents(join)


def bootstrap_kubeconfig(platform: Platform, role: str, endpoint: str) -> str:
    """The kubeconfig with which a machine asks for its own certificate, and whose `endpoint` a worker's kubelet keeps.

    It names files beside it, which kubeadm embeds where it needs them (cmd/kubeadm/app/discovery/file). Embedded
    here they would travel twice, and in base64.
    """
    name, folder = platform.cluster, PurePosixPath(BOOTSTRAP_PATH.format(role=role)).parent
    cluster = {"server": f"https://{endpoint}", "certificate-authority": f"{folder}/pki/ca.crt"}
    user = {"client-certificate": f"{folder}/bootstrap.crt", "client-key": f"{folder}/bootstrap.key"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": "bootstrap", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "bootstrap"}}],
        "current-context": name,
    }
    return _documents(config)


def _cluster_configuration(platform: Platform, outside: Sequence[str], ca_certificate: str) -> dict[str, Any]:
    """What all control planes share, with etcd on machines of its own."""
    settings = platform.settings
    # When a node counts as lost, and how certificates are signed where that is not kubeadm's own choice.
    controllers = {"node-monitor-grace-period": f"{SILENT_NODE_SECONDS}s", **signing(platform, ca_certificate)}
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterConfiguration",
        "clusterName": platform.cluster,
        "kubernetesVersion": f"v{settings.kubernetes.version}",
        "controlPlaneEndpoint": api_endpoint(platform),
        "imageRepository": settings.kubernetes.image_repository,
        "certificateValidityPeriod": f"{settings.certificates.leaf_validity_hours}h",
        "networking": {
            "podSubnet": str(settings.network.pods),
            "serviceSubnet": str(settings.network.services),
            "dnsDomain": settings.network.dns_domain,
        },
        "apiServer": {
            "certSANs": certificate_sans(platform, outside),
            "extraArgs": _arguments(dict.fromkeys(_TOLERATIONS, str(LOST_NODE_SECONDS))),
        },
        "controllerManager": {"extraArgs": _arguments(controllers)},
        "etcd": {
            "external": {
                "endpoints": list(endpoints(platform)),
                "caFile": f"{PKI}/etcd/ca.crt",
                "certFile": f"{PKI}/apiserver-etcd-client.crt",
                "keyFile": f"{PKI}/apiserver-etcd-client.key",
            }
        },
    }


def _arguments(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Arguments of a program, as kubeadm lists them."""
    return [{"name": name, "value": value} for name, value in values.items()]


def _own_endpoint(planned: PlannedMachine) -> dict[str, Any]:
    """Where this machine's own API server listens."""
    return {"advertiseAddress": planned.address, "bindPort": ports.API}


def node_labels(platform: Platform, planned: PlannedMachine) -> tuple[str, ...]:
    """The labels that a node registers with, as key=value."""
    pool = platform.settings.workers.get(planned.pool)
    return pool_labels(planned.pool, pool) if pool else ()


def pool_labels(name: str, pool: WorkerPoolSettings) -> tuple[str, ...]:
    """The labels of a pool's nodes, as key=value."""
    labels = {POOL: name} | pool.labels
    return tuple(f"{key}={value}" for key, value in sorted(labels.items()))


def node_taints(platform: Platform, planned: PlannedMachine) -> tuple[str, ...]:
    """The taints that a node registers with, as key=value:Effect."""
    if planned.role == "worker":
        return platform.settings.workers[planned.pool].taints
    return control_plane_taints(platform.settings)


def control_plane_taints(settings: PlatformSettings) -> tuple[str, ...]:
    """The taints of control planes, as key=value:Effect."""
    return () if settings.control_planes.schedulable else (_CONTROL_PLANE_TAINT,)


def _node_registration(platform: Platform, planned: PlannedMachine) -> dict[str, Any]:
    """How the kubelet registers. An empty list of taints means none, not kubeadm's own choice."""
    arguments = {"node-ip": planned.address}
    if labels := node_labels(platform, planned):
        arguments["node-labels"] = ",".join(labels)
    return {
        "name": planned.hostname,
        "criSocket": CRI_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": _arguments(arguments),
        "taints": [taint(text) for text in node_taints(platform, planned)],
    }


def taint(text: str) -> dict[str, str]:
    """A taint from key=value:Effect or key:Effect; raises ValueError for anything else."""
    key_and_value, colon, effect = text.rpartition(":")
    key, equals, value = key_and_value.partition("=")
    if not colon or not key or effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
        raise ValueError(f"a taint reads key=value:NoSchedule, PreferNoSchedule or NoExecute, got {text!r}")
    return {"key": key, "effect": effect} | ({"value": value} if equals and value else {})


def _documents(*documents: Mapping[str, Any]) -> str:
    """The documents as YAML, keys in the order given."""
    return str(yaml.dump_all(documents, Dumper=DUMPER, sort_keys=False, width=120))
