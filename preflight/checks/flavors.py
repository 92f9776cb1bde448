"""Flavors: that they exist, and are large enough for their role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from preflight.cloud import Flavor
from preflight.context import Context, suggestion
from settings.problem import Problem


@dataclass(frozen=True)
class Size:
    """A size with where it comes from. `checks` are kubeadm's names of the same rule, for vCPUs and RAM."""

    vcpus: int
    ram_mib: int
    source: str
    checks: tuple[str, str] = ("", "")


#: kubeadm itself stops below these: https://github.com/kubernetes/kubernetes/blob/v1.36.5/cmd/kubeadm/app/constants/constants.go
#: (ControlPlaneNumCPU, ControlPlaneMem). For the others what the programs on the machine need to start at all.
LEAST: Final[dict[str, Size]] = {
    "gateways": Size(1, 256, "haproxy, keepalived and sshd do not start with less"),
    "etcd": Size(1, 512, "etcd and its snapshots do not fit into less"),
    "controlPlanes": Size(2, 1700, "kubeadm init refuses less", ("NumCPU", "Mem")),
    "workers": Size(1, 1024, "kubelet, containerd and the pods' network take that much"),
}
#: https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/#before-you-begin
NODE: Final = Size(2, 2048, "kubeadm's documentation asks for it")
RECOMMENDED: Final[dict[str, Size]] = {"controlPlanes": NODE, "workers": NODE}
#: A root disk below this fills up with images of containers: the kubelet removes them from 85 % on. GiB.
NODE_DISK_GIB: Final = 10


def summary(context: Context) -> str:
    """The flavors in use with their sizes."""
    known = _by_name(context)
    used = dict.fromkeys(settings.flavor for settings in context.machine_settings.values())
    return ", ".join(
        f"{name} ({known[name].vcpus} vCPU, {known[name].ram_mib} MiB)" if name in known else name for name in used
    )


def _by_name(context: Context) -> dict[str, Flavor]:
    return {flavor.name: flavor for flavor in context.cloud.flavors or ()}


def _role(key: str) -> str:
    return key.partition(".")[0]


def errors(context: Context) -> Iterator[Problem]:
    """A flavor that is not there, or in which the role's programs cannot run."""
    if context.cloud.flavors is None:
        return
    known = _by_name(context)
    ignored = {name.lower() for name in context.settings.kubernetes.ignore_preflight_errors}
    for key, settings in context.machine_settings.items():
        flavor = known.get(settings.flavor)
        if flavor is None:
            if not context.keepers(key):
                yield Problem(
                    f"{key}.flavor", settings.flavor, "the cloud has no such flavor", suggestion(settings.flavor, known)
                )
            continue
        least = LEAST[_role(key)]
        measures = ((flavor.vcpus, least.vcpus, "vCPU"), (flavor.ram_mib, least.ram_mib, "MiB of RAM"))
        for (has, needed, unit), check in zip(measures, least.checks, strict=True):
            if has < needed and not {check.lower(), "all"} & (ignored - {""} if check else set()):
                fix = f"use a flavor with {needed} {unit} or more"
                if check:
                    fix += f", or add {check} to kubernetes.ignorePreflightErrors"
                yield Problem(
                    f"{key}.flavor", settings.flavor, f"has {has} {unit}, but needs {needed}: {least.source}", fix
                )


def warnings(context: Context) -> Iterator[Problem]:
    """A flavor that will do, but badly."""
    known = _by_name(context)
    for key, settings in context.machine_settings.items():
        flavor = known.get(settings.flavor)
        if flavor is None:
            if kept := context.keepers(key):
                yield Problem(
                    f"{key}.flavor",
                    settings.flavor,
                    f"the cloud no longer has it: running machines keep it ({', '.join(kept)}), "
                    "and cannot be recreated if lost",
                    "name an existing one, and the machines in rollout.replace, a few at a time (docs/upgrades.md)",
                )
            continue
        if flavor.disk_gib == 0:
            yield Problem(
                f"{key}.flavor",
                settings.flavor,
                "has no root disk of its own: nova lets only administrators use it by default (zero_disk_flavor)",
                "use a flavor with a disk",
            )
        wanted = RECOMMENDED.get(_role(key))
        if wanted is None:
            continue
        least = LEAST[_role(key)]
        measures = (
            (flavor.vcpus, least.vcpus, wanted.vcpus, "vCPU"),
            (flavor.ram_mib, least.ram_mib, wanted.ram_mib, "MiB of RAM"),
        )
        for has, needed, recommended, unit in measures:
            if needed <= has < recommended:
                yield Problem(
                    f"{key}.flavor",
                    settings.flavor,
                    f"has {has} {unit}, {recommended} are recommended: {wanted.source}",
                    "use a larger flavor",
                )
        if 0 < flavor.disk_gib < NODE_DISK_GIB:
            yield Problem(
                f"{key}.flavor",
                settings.flavor,
                f"has a disk of {flavor.disk_gib} GiB, container images need {NODE_DISK_GIB}",
                "use a larger flavor",
            )
