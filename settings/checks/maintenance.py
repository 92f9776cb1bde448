"""Pinned packages: only those of the machines' roles, and none whose version is another setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from settings.error_messages import closest
from settings.problem import Problem
from settings.role_packages import ROLE_PACKAGES
from settings.rules import Context

#: Packages whose version is a setting of its own.
_OWN_SETTING: Final[Mapping[str, str]] = {
    "etcd": "etcd.version",
    "kubeadm": "kubernetes.version",
    "kubectl": "kubernetes.version",
    "kubelet": "kubernetes.version",
    "kubernetes-cni": "kubernetes.version",
}


def errors(context: Context) -> Iterator[Problem]:
    """One problem for each package."""
    settings = context.settings
    for name, version in settings.maintenance.packages.items():
        key = f"maintenance.packages.{name}"
        if name in _OWN_SETTING:
            yield Problem(key, version, f"follows {_OWN_SETTING[name]}", f"remove it and set {_OWN_SETTING[name]}")
        elif name not in ROLE_PACKAGES:
            near = closest(name, ROLE_PACKAGES)
            yield Problem(
                key,
                version,
                f"is not a package of any machine's role ({', '.join(ROLE_PACKAGES)})",
                f"did you mean {near}?" if near else "remove it: an epoch brings all others to what the sources offer",
            )
