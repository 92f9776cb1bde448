"""What a site must not change in the configurations of kubelet and kube-proxy, because the platform sets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from settings.problem import Problem
from settings.redact import redacted
from settings.rules import Context

#: By key: the rule and the fix. kubeadm fills in the other addresses itself.
_KUBELET: Final[Mapping[str, tuple[str, str]]] = {
    "maxPods": ("is kubernetes.podsPerNode, which the limits are checked by", "set kubernetes.podsPerNode instead"),
    "clusterDNS": ("is computed: the tenth address of network.services", "remove it"),
    "clusterDomain": ("is network.dnsDomain", "set network.dnsDomain instead"),
    "staticPodPath": ("is where kubeadm puts the control plane (/etc/kubernetes/manifests)", "remove it"),
    "containerRuntimeEndpoint": ("is containerd's socket, which the platform installs", "remove it"),
}
_KUBE_PROXY: Final[Mapping[str, tuple[str, str]]] = {
    "clusterCIDR": ("is network.pods", "set network.pods instead"),
    "clientConnection": ("is kubeadm's own, in the cluster", "remove it"),
}
#: https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-modes, on Linux.
_PROXY_MODES: Final = ("iptables", "ipvs", "nftables")
#: Anonymous ways into every kubelet: the value that closes each, and what is open otherwise
#: (https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/).
_SHUT: Final[Mapping[str, tuple[object, str]]] = {
    "authentication.anonymous.enabled": (
        False,
        "must be false: the kubelet would take commands from anyone who reaches the node, without a certificate",
    ),
    "authorization.mode": (
        "Webhook",
        "must be Webhook: with any other mode every certificate of the cluster may run commands in every pod",
    ),
    "readOnlyPort": (0, "must be 0: that port shows every pod of the node, with its environment, to anyone"),
}


def errors(context: Context) -> Iterator[Problem]:
    """Both documents, and the DNS domain's length."""
    settings = context.settings
    kubernetes = settings.kubernetes
    kubelet, proxy = kubernetes.kubelet_configuration, kubernetes.kube_proxy_configuration
    yield from _document(
        "kubernetes.kubeletConfiguration", kubelet, _KUBELET, "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"
    )
    yield from _document(
        "kubernetes.kubeProxyConfiguration",
        proxy,
        _KUBE_PROXY,
        "kubeproxy.config.k8s.io/v1alpha1",
        "KubeProxyConfiguration",
    )
    driver = kubelet.get("cgroupDriver", "systemd")
    if driver != "systemd":
        yield Problem(
            "kubernetes.kubeletConfiguration.cgroupDriver",
            redacted(driver),
            "must be systemd, as containerd's is: two managers of the same cgroups make nodes unstable",
            "remove it",
        )
    for path, (shut, rule) in _SHUT.items():
        value = _at(kubelet, path, shut)
        if value != shut:
            yield Problem(f"kubernetes.kubeletConfiguration.{path}", redacted(value), rule, "remove it")
    mode = proxy.get("mode", "iptables")
    if mode not in _PROXY_MODES:
        yield Problem(
            "kubernetes.kubeProxyConfiguration.mode",
            redacted(mode),
            f"must be one of {', '.join(_PROXY_MODES)}",
            "use iptables",
        )


def warnings(context: Context) -> Iterator[Problem]:
    """A kubeadm whose checks are all ignored."""
    settings = context.settings
    if "all" in settings.kubernetes.ignore_preflight_errors:
        yield Problem(
            "kubernetes.ignorePreflightErrors",
            redacted(settings.kubernetes.ignore_preflight_errors),
            "hides every check of kubeadm",
            "name the ones that are known to be harmless",
        )


def _at(document: Mapping[str, Any], path: str, otherwise: object) -> Any:
    """The value at a dotted path, or `otherwise`."""
    value: Any = document
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return otherwise
        value = value[step]
    return value


def _document(
    key: str, given: Mapping[str, Any], ours: Mapping[str, tuple[str, str]], version: str, kind: str
) -> Iterator[Problem]:
    for name, (reason, fix) in ours.items():
        if name in given:
            yield Problem(f"{key}.{name}", redacted(given[name]), reason, fix)
    for name, wanted in (("apiVersion", version), ("kind", kind)):
        if given.get(name, wanted) != wanted:
            yield Problem(
                f"{key}.{name}", redacted(given[name]), f"must be {wanted}", "remove it: the platform sets it"
            )
