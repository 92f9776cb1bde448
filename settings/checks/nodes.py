"""Labels and taints that Kubernetes, or its kubelets, refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from settings.problem import Problem
from settings.rules import Context

#: A qualified name: an optional DNS prefix and a slash, then up to 63 characters
#: (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set).
_PREFIX: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LONGEST_PREFIX: Final = 253
#: Labels of Kubernetes' own namespaces that a kubelet may give itself, and prefixes
#: (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).
_ALLOWED: Final = frozenset(
    {
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)
_ALLOWED_PREFIXES: Final = ("kubelet.kubernetes.io", "node.kubernetes.io")
#: Labels that the kubelet sets itself, different on each node.
_OF_THE_KUBELET: Final = frozenset({"kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os"})
#: Prefix of this program's own labels.
_OURS: Final = "openstack-paas"
#: Taints of the node controller (https://kubernetes.io/docs/reference/labels-annotations-taints/).
_CONTROLLER_TAINTS: Final = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
_SYNTAX: Final = (
    "must be a name of at most 63 letters, digits, dots, dashes and underscores, with a DNS domain and a slash before "
    "it where it has a prefix"
)


def _well_formed(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and (not _PREFIX.fullmatch(prefix) or len(prefix) > _LONGEST_PREFIX):
        return False
    return bool(_NAME.fullmatch(name))


def _reserved(label: str) -> str:
    """Why a node must not have the label. Empty when it may."""
    prefix = label.rpartition("/")[0]
    if prefix == _OURS or prefix.endswith(f".{_OURS}"):
        return f"has the prefix of this program's own labels, {_OURS}/"
    if label in _OF_THE_KUBELET:
        return "is the kubelet's own label, different on each node"
    restricted = prefix in ("kubernetes.io", "k8s.io") or prefix.endswith((".kubernetes.io", ".k8s.io"))
    allowed = label in _ALLOWED or any(prefix == one or prefix.endswith(f".{one}") for one in _ALLOWED_PREFIXES)
    if restricted and not allowed:
        return "is one that the NodeRestriction admission plugin forbids a kubelet to set"
    return ""


def errors(context: Context) -> Iterator[Problem]:
    """Labels and taints of every pool."""
    settings = context.settings
    for name, pool in sorted(settings.workers.items()):
        for label, value in sorted(pool.labels.items()):
            key = f"workers.{name}.labels.{label}"
            if not _well_formed(label):
                yield Problem(key, value, _SYNTAX, "write it as example.org/disk-type")
            elif reason := _reserved(label):
                yield Problem(key, value, reason, "use a prefix of your own, such as example.org/")
        yield from _taints(f"workers.{name}.taints", pool.taints)


def _taints(key: str, taints: tuple[str, ...]) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        here = f"{key}.{index}"
        subject, _, effect = taint.rpartition(":")
        taint_key, _, value = subject.partition("=")
        if not _well_formed(taint_key):
            yield Problem(here, taint, f"its key {_SYNTAX}", "write it as example.org/dedicated=database:NoSchedule")
        elif value and not _NAME.fullmatch(value):
            yield Problem(
                here,
                taint,
                "its value must be at most 63 letters, digits, dots, dashes and underscores, a letter or digit first "
                "and last",
                "choose another value",
            )
        elif taint_key.startswith(_CONTROLLER_TAINTS):
            yield Problem(here, taint, "is a taint of Kubernetes' own node controller", "use a key of your own")
        elif (taint_key, effect) in seen:
            yield Problem(
                here, taint, "has the same key and effect as an earlier one, and Kubernetes accepts one", "remove it"
            )
        seen.add((taint_key, effect))
