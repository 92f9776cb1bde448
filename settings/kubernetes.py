"""Kubernetes itself: version, CNI, and the two component configurations that a site may extend."""

from typing import Annotated, Any, Literal

from pydantic import Field

from settings.model import Section, Whole, text
from settings.versions import DEFAULT_KUBERNETES

ImageRepository = Annotated[
    str,
    text(
        r"^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9._-]+)*$",
        "must be a registry's host, with its port and a path where it has them, and no scheme",
        "write it as registry.k8s.io or registry.example.org:5000/kubernetes",
    ),
]


class KubernetesSettings(Section):
    """The cluster."""

    version: str = DEFAULT_KUBERNETES
    """Version of Kubernetes, in quotes: a minor version ("1.36", its newest known patch) or an exact one ("1.36.5").

    It goes up by one minor version at a time. A stack that runs and names none keeps its own. See docs/upgrades.md.
    """
    departing: Literal["refused", "allowed"] = "refused"
    """Whether a new stack may have a minor version that this program only upgrades from.

    To rebuild a lost platform in the version of its backups.
    """
    cni: Literal["calico", "flannel"] = "calico"
    """The pods' network: Calico (vxlan, network policies) or flannel (vxlan, small).

    It cannot change while the cluster lives.
    """
    image_repository: ImageRepository = "registry.k8s.io"
    """Registry, with a path where it has one, of Kubernetes' own images."""
    kubelet_configuration: dict[str, Any] = {}
    """Merged over ours: kubelet.config.k8s.io/v1beta1 KubeletConfiguration."""
    kube_proxy_configuration: dict[str, Any] = {}
    """Merged over ours: kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration."""
    ignore_preflight_errors: tuple[str, ...] = ()
    """Checks of kubeadm that shall not stop it (--ignore-preflight-errors)."""
    pods_per_node: Whole = Field(110, ge=10, le=250)
    """Most pods on a node (the kubelet's maxPods). A node's /24 holds no more than 250 with room for those that end."""
    containers_per_pod: float = Field(2, ge=1, le=20)
    """Containers a pod has on average, sidecars included: only for the check against Kubernetes' limit of 300,000."""
