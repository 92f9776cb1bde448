"""Kubernetes itself: version, CNI, and the two component configurations that a site may extend."""

from typing import Any, Literal

from pydantic import Field, field_validator

from settings.model import Section
from settings.versions import DEFAULT_KUBERNETES, KUBERNETES


class KubernetesSettings(Section):
    """The cluster."""

    version: str = DEFAULT_KUBERNETES
    cni: Literal["calico", "flannel"] = "calico"
    image_repository: str = "registry.k8s.io"
    kubelet_configuration: dict[str, Any] = {}
    """Merged over ours: kubelet.config.k8s.io/v1beta1 KubeletConfiguration."""
    kube_proxy_configuration: dict[str, Any] = {}
    """Merged over ours: kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration."""
    ignore_preflight_errors: tuple[str, ...] = ()
    pods_per_node: int = Field(110, ge=10, le=500)

    @field_validator("version")
    @classmethod
    def _is_known(cls, version: str) -> str:
        if version not in KUBERNETES:
            raise ValueError(f"is not in the version table: choose one of {', '.join(KUBERNETES)}")
        return version
