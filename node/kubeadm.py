"""kubeadm's configuration files (kubeadm.k8s.io/v1beta4) and the kubeconfig with which a machine joins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from node.certificates import PKI, signing
from node.parts import Base
from node.specs import ControlPlaneSpec, Kubelet, Kubernetes

#: Where each node has an API of its own: the API server of a control plane, the balancer of a worker. The certificates
#: of API servers have it among their names (components/specs.py).
LOCAL_ADDRESS: Final = "127.0.0.1"

#: The one in C says the same (tests/unit/test_node_render.py), ten times as fast; PyYAML's wheels have it.
DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
API_VERSION: Final = "kubeadm.k8s.io/v1beta4"
CRI_SOCKET: Final = "unix:///run/containerd/containerd.sock"

#: The folder of the bundle on the machine, by step; file discovery wants an absolute path.
BOOTSTRAP_PATH: Final = "/opt/openstack-paas/{step}/bootstrap.conf"

#: kubeadm always makes a bootstrap token on init, along with the rights that joining by certificate needs too. Nobody
#: is told this one, and it ends by itself.
_TOKEN_LIFE: Final = "1m0s"

#: Machines that join, by the bootstrap certificate: kubeadm gives this group the rights to look at nodes and to ask for
#: the certificate of one.
_JOINING: Final = "system:bootstrappers:kubeadm:default-node-token"

#: What every kubelet needs on machines of this platform; the stack's own values come on top.
_KUBELET_DEFAULTS: Final[Mapping[str, Any]] = {"cgroupDriver": "systemd"}

#: A node that has not reported for this long is lost; the kubelet reports every 10 s. Kubernetes' own value is 50.
SILENT_NODE_SECONDS: Final = 40
#: Pods stay bound to a lost node for this long before they are made again elsewhere, unless they say otherwise
#: themselves. Kubernetes' own value, 300, is more than most services can be away.
LOST_NODE_SECONDS: Final = 20
_TOLERATIONS: Final = ("default-not-ready-toleration-seconds", "default-unreachable-toleration-seconds")


def init_configuration(spec: ControlPlaneSpec) -> str:
    """The four documents of `kubeadm init`: how this node starts, the cluster, all kubelets, all kube-proxies."""
    kubernetes = spec.kubernetes
    init = {
        "apiVersion": API_VERSION,
        "kind": "InitConfiguration",
        "bootstrapTokens": [
            {
                "ttl": _TOKEN_LIFE,
                "usages": ["signing", "authentication"],
                "groups": [_JOINING],
            }
        ],
        "localAPIEndpoint": _local_endpoint(spec),
        "nodeRegistration": _node_registration(spec.base, spec.kubelet),
    }
    kube_proxy = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}
    return _documents(
        init,
        _cluster_configuration(spec),
        _kubelet(kubernetes),
        kube_proxy | _merged({}, kubernetes.kube_proxy_configuration),
    )


def kubelet_configuration(kubernetes: Kubernetes) -> str:
    """What all kubelets are told; nodes that have joined follow its changes (registration.sh)."""
    return _documents(_kubelet(kubernetes))


def _kubelet(kubernetes: Kubernetes) -> dict[str, Any]:
    kind = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
    return kind | _merged(_KUBELET_DEFAULTS, kubernetes.kubelet_configuration)


def join_configuration(base: Base, kubelet: Kubelet, step: str, control_plane: ControlPlaneSpec | None = None) -> str:
    """The document of `kubeadm join`, by file discovery; with `control_plane` as one more of these."""
    join: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": BOOTSTRAP_PATH.format(step=step)}},
        "nodeRegistration": _node_registration(base, kubelet),
    }
    if control_plane is not None:
        join["controlPlane"] = {"localAPIEndpoint": _local_endpoint(control_plane)}
    return _documents(join)


def node_replacing_rights() -> str:
    """A machine that joins may remove the lost node whose name it bears, and change labels and taints of its own node.

    A node itself may not change its taints. Whoever has the certificate to join with could get any node's certificate.
    """
    name = "openstack-paas:replace-nodes"
    rbac = "rbac.authorization.k8s.io"
    return _documents(
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["delete", "patch"]}],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": rbac, "kind": "Group", "name": _JOINING}],
        },
    )


def dns_budget() -> str:
    """The cluster's DNS does not leave all at once when nodes are drained: kubeadm makes no such budget."""
    return _documents(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "openstack-paas-dns", "namespace": "kube-system"},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"k8s-app": "kube-dns"}}},
        }
    )


def local_endpoint(kubernetes: Kubernetes) -> str:
    """The API on a node itself, as host:port, for its own kubelet and kube-proxy: gateways may be away."""
    return f"{LOCAL_ADDRESS}:{api_port(kubernetes)}"


def bootstrap_kubeconfig(kubernetes: Kubernetes, step: str, endpoint: str) -> str:
    """The kubeconfig with which a machine asks for its own certificate, and whose `endpoint` a worker's kubelet keeps.

    It names files of the bundle, which kubeadm embeds where it needs them (cmd/kubeadm/app/discovery/file). Embedded
    here they would travel twice, and in base64.
    """
    name, folder = kubernetes.cluster_name, PurePosixPath(BOOTSTRAP_PATH.format(step=step)).parent
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": f"https://{endpoint}",
                    "certificate-authority": str(folder / "pki" / "ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": "bootstrap",
                "user": {
                    "client-certificate": str(folder / "bootstrap.crt"),
                    "client-key": str(folder / "bootstrap.key"),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "bootstrap"}}],
        "current-context": name,
    }
    return _documents(config)


def _cluster_configuration(spec: ControlPlaneSpec) -> dict[str, Any]:
    """What all control planes share, with etcd on machines of its own."""
    kubernetes = spec.kubernetes
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterConfiguration",
        "clusterName": kubernetes.cluster_name,
        "kubernetesVersion": f"v{kubernetes.version.removeprefix('v')}",
        "controlPlaneEndpoint": kubernetes.endpoint,
        "imageRepository": kubernetes.image_repository,
        "certificateValidityPeriod": f"{kubernetes.renewal.validity_hours}h",
        "networking": {
            "podSubnet": kubernetes.pod_cidr,
            "serviceSubnet": kubernetes.service_cidr,
            "dnsDomain": kubernetes.dns_domain,
        },
        "apiServer": {
            "certSANs": list(spec.certificate_sans),
            "extraArgs": [{"name": name, "value": str(LOST_NODE_SECONDS)} for name in _TOLERATIONS],
        },
        "controllerManager": {"extraArgs": _controller_manager_arguments(kubernetes)},
        "etcd": {
            "external": {
                "endpoints": list(spec.etcd_endpoints),
                "caFile": f"{PKI}/etcd/ca.crt",
                "certFile": f"{PKI}/apiserver-etcd-client.crt",
                "keyFile": f"{PKI}/apiserver-etcd-client.key",
            }
        },
    }


def _controller_manager_arguments(kubernetes: Kubernetes) -> list[dict[str, str]]:
    """When a node counts as lost, and how certificates are signed where that is not kubeadm's own choice."""
    values = {"node-monitor-grace-period": f"{SILENT_NODE_SECONDS}s", **signing(kubernetes)}
    return [{"name": name, "value": value} for name, value in values.items()]


def _local_endpoint(spec: ControlPlaneSpec) -> dict[str, Any]:
    """Where this machine's own API server listens."""
    return {"advertiseAddress": spec.base.address, "bindPort": api_port(spec.kubernetes)}


def api_port(kubernetes: Kubernetes) -> int:
    """The port of the API, the same behind the virtual address and on each control plane."""
    return int(kubernetes.endpoint.rpartition(":")[2])


def _node_registration(base: Base, kubelet: Kubelet) -> dict[str, Any]:
    """How the kubelet registers. An empty list of taints means none, not kubeadm's own choice."""
    arguments = [{"name": "node-ip", "value": base.address}]
    if kubelet.labels:
        labels = ",".join(f"{key}={value}" for key, value in sorted(kubelet.labels.items()))
        arguments.append({"name": "node-labels", "value": labels})
    return {
        "name": base.name,
        "criSocket": CRI_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": arguments,
        "taints": [_taint(text) for text in kubelet.taints],
    }


def _taint(text: str) -> dict[str, str]:
    """A taint from key=value:Effect or key:Effect; raises ValueError for anything else."""
    key_and_value, colon, effect = text.rpartition(":")
    key, equals, value = key_and_value.partition("=")
    if not colon or not key or effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
        raise ValueError(f"a taint reads key=value:NoSchedule, PreferNoSchedule or NoExecute, got {text!r}")
    return {"key": key, "effect": effect} | ({"value": value} if equals and value else {})


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both mappings in one, the second one's values winning at every depth."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = _merged(below, value) if both and below is not None else _plain(value)
    return merged


def _plain(value: Any) -> Any:
    """The value with mappings and sequences as dict and list, which is all that YAML knows."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value


def _documents(*documents: Mapping[str, Any]) -> str:
    """The documents as YAML, keys in the order given."""
    plain = [dict(document) for document in documents]
    return str(yaml.dump_all(plain, Dumper=DUMPER, sort_keys=False, width=120))
