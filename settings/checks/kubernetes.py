"""What a site must not change in the configurations of kubelet and kube-proxy, because the platform sets it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from settings.problem import Problem
from settings.redact import redacted
from settings.rules import Context

_KUBELET: Final = "kubernetes.kubeletConfiguration"
_KUBE_PROXY: Final = "kubernetes.kubeProxyConfiguration"
_REMOVE: Final = "remove it"
_HEADER_FIX: Final = "remove it: the platform sets it"
#: By document and key: the rule and the fix. kubeadm fills in the other addresses itself.
_SET_ELSEWHERE: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    _KUBELET: {
        "maxPods": ("is kubernetes.podsPerNode, which the limits are checked by", "set kubernetes.podsPerNode instead"),
        "clusterDNS": ("is computed: the tenth address of network.services", _REMOVE),
        "clusterDomain": ("is network.dnsDomain", "set network.dnsDomain instead"),
        "staticPodPath": ("is where kubeadm puts the control plane (/etc/kubernetes/manifests)", _REMOVE),
        "containerRuntimeEndpoint": ("is containerd's socket, which the platform installs", _REMOVE),
    },
    _KUBE_PROXY: {
        "clusterCIDR": ("is network.pods", "set network.pods instead"),
        "clientConnection": ("is kubeadm's own, in the cluster", _REMOVE),
    },
}
#: By document: the apiVersion and kind that it has where it says them.
_HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    _KUBELET: {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"},
    _KUBE_PROXY: {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"},
}
#: https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-modes, on Linux.
_PROXY_MODES: Final = ("iptables", "ipvs", "nftables")
#: By path in the kubelet's document: its only possible value, and what happens otherwise. All but the first are
#: anonymous ways into every kubelet
#: (https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/).
_KUBELET_VALUES: Final[Mapping[str, tuple[object, str]]] = {
    "cgroupDriver": (
        "systemd",
        "must be systemd, as containerd's is: two managers of the same cgroups make nodes unstable",
    ),
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


def documents_leave_out_what_the_platform_sets(context: Context) -> Iterator[Problem]:
    kubernetes = context.settings.kubernetes
    documents = {_KUBELET: kubernetes.kubelet_configuration, _KUBE_PROXY: kubernetes.kube_proxy_configuration}
    for key, given in documents.items():
        for name, (rule, fix) in _SET_ELSEWHERE[key].items():
            if name in given:
                yield Problem(f"{key}.{name}", redacted(given[name]), rule, fix)
        for name, wanted in _HEADERS[key].items():
            if given.get(name, wanted) != wanted:
                yield Problem(f"{key}.{name}", redacted(given[name]), f"must be {wanted}", _HEADER_FIX)


def kubelet_uses_systemd_and_knows_who_asks(context: Context) -> Iterator[Problem]:
    for path, (wanted, rule) in _KUBELET_VALUES.items():
        value = _value_at(context.settings.kubernetes.kubelet_configuration, path, wanted)
        if value != wanted:
            yield Problem(f"{_KUBELET}.{path}", redacted(value), rule, _REMOVE)


def kube_proxy_has_a_known_mode(context: Context) -> Iterator[Problem]:
    mode = context.settings.kubernetes.kube_proxy_configuration.get("mode", "iptables")
    if mode not in _PROXY_MODES:
        rule = f"must be one of {', '.join(_PROXY_MODES)}"
        yield Problem(f"{_KUBE_PROXY}.mode", redacted(mode), rule, "use iptables")


def kubeadm_checks_something(context: Context) -> Iterator[Problem]:
    ignored = context.settings.kubernetes.ignore_preflight_errors
    if "all" in ignored:
        fix = "name the ones that are known to be harmless"
        yield Problem("kubernetes.ignorePreflightErrors", redacted(ignored), "hides every check of kubeadm", fix)


def _value_at(document: Mapping[str, Any], path: str, otherwise: object) -> Any:
    """The value at a dotted path, or `otherwise`."""
    value: Any = document
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return otherwise
        value = value[step]
    return value
