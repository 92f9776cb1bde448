"""Kubernetes: its version, its CNI, and the component configurations that a site may extend."""

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

    Upgrades go one minor version at a time. A running stack that sets no version keeps its own. See docs/upgrades.md.
    """
    departing: Literal["refused", "allowed"] = "refused"
    """Whether a new stack may have a minor version that this program only upgrades from.

    Allow it to rebuild a lost platform in the version of its backups.
    """
    cni: Literal["calico", "flannel"] = "calico"
    """The pods' network: Calico (vxlan, network policies) or flannel (vxlan, small).

    It cannot change while the cluster exists.
    """
    image_repository: ImageRepository = "registry.k8s.io"
    """Registry of Kubernetes' own images, with a path where it has one."""
    kubelet_configuration: dict[str, Any] = {}
    """A KubeletConfiguration (kubelet.config.k8s.io/v1beta1) that is merged over the platform's."""
    kube_proxy_configuration: dict[str, Any] = {}
    """A KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) that is merged over the platform's."""
    ignore_preflight_errors: tuple[str, ...] = ()
    """Checks of kubeadm whose failure is ignored (--ignore-preflight-errors)."""
    pods_per_node: Whole = Field(110, ge=10, le=250)
    """Most pods on a node (the kubelet's maxPods). A node's /24 has room for 250 and for terminating ones."""
    containers_per_pod: float = Field(2, ge=1, le=20)
    """Average containers per pod, with sidecars. Only the check against Kubernetes' limit of 300,000 uses it."""
