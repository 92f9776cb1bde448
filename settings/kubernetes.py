"""Kubernetes: its version, its CNI, the component configurations that a site may extend, and its API."""

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


class OctaviaSettings(Section):
    """The load balancer of `loadBalancer: octavia`."""

    provider: str = ""
    """Octavia's provider driver (amphora, ovn, ...). Empty: the cloud's default."""
    flavor: str = ""
    """Id of the load balancer's flavor. Empty: the cloud's default."""


class ApiSettings(Section):
    """The Kubernetes API as clients see it."""

    load_balancer: Literal["gateways", "octavia"] = "gateways"
    """What balances the API's clients over the control planes: haproxy on the gateways, or the cloud's load balancer.

    With `octavia` the gateways still carry SSH, NAT and ingress. The API gets its own address on the edge network and
    a floating IP, so it needs `network.publicVip: floating-ip`. It cannot change while the cluster exists.
    """
    certificate_names: tuple[str, ...] = ()
    """More DNS names and addresses for the API server's certificate."""
    octavia: OctaviaSettings = OctaviaSettings()
    """Driver and flavor of the load balancer."""
