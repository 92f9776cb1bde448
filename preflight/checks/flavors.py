"""Flavors: that they exist, and are large enough for their role."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
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


def by_name(context: Context) -> dict[str, Flavor]:
    """The cloud's flavors."""
    return {flavor.name: flavor for flavor in context.cloud.flavors or ()}


def summary(context: Context) -> str:
    """The flavors in use with their sizes."""
    known = by_name(context)
    used = dict.fromkeys(settings.flavor for settings in context.settings.roles.values())
    return ", ".join(
        f"{name} ({known[name].vcpus} vCPU, {known[name].ram_mib} MiB)" if name in known else name for name in used
    )


def _measures(key: str, flavor: Flavor) -> Iterator[tuple[int, int, int, str, str]]:
    """What the flavor has, what the role needs, what is recommended, the unit, and kubeadm's name of the rule."""
    role = key.partition(".")[0]
    least = LEAST[role]
    recommended = RECOMMENDED.get(role, least)
    yield flavor.vcpus, least.vcpus, recommended.vcpus, "vCPU", least.checks[0]
    yield flavor.ram_mib, least.ram_mib, recommended.ram_mib, "MiB of RAM", least.checks[1]


def unusable(context: Context) -> Iterator[Problem]:
    """A flavor that does not exist, or in which the role's programs cannot run."""
    if context.cloud.flavors is None:
        return
    known = by_name(context)
    ignored = {name.lower() for name in context.settings.kubernetes.ignore_preflight_errors}
    for key, settings in context.settings.roles.items():
        wrong, flavor = partial(Problem, f"{key}.flavor", settings.flavor), known.get(settings.flavor)
        if flavor is None:
            if not context.keeping(key):
                yield wrong("the cloud has no such flavor", suggestion(settings.flavor, known))
            continue
        for has, needed, _, unit, check in _measures(key, flavor):
            if has < needed and not (check and {check.lower(), "all"} & ignored):
                source = LEAST[key.partition(".")[0]].source
                ignore = f", or add {check} to kubernetes.ignorePreflightErrors" if check else ""
                fix = f"use a flavor with {needed} {unit} or more{ignore}"
                yield wrong(f"has {has} {unit}, but needs {needed}: {source}", fix)


def unwise(context: Context) -> Iterator[Problem]:
    """A flavor that works, but badly."""
    known = by_name(context)
    for key, settings in context.settings.roles.items():
        wrong, flavor = partial(Problem, f"{key}.flavor", settings.flavor), known.get(settings.flavor)
        if flavor is None:
            if kept := context.keeping(key):
                yield wrong(
                    f"the cloud no longer has it: running machines keep it ({', '.join(kept)}), "
                    "and cannot be recreated if lost",
                    "name an existing one, and the machines in rollout.replace, a few at a time (docs/upgrades.md)",
                )
            continue
        if flavor.disk_gib == 0:
            rule = "has no root disk of its own: nova lets only administrators use it by default (zero_disk_flavor)"
            yield wrong(rule, "use a flavor with a disk")
        for has, needed, recommended, unit, _ in _measures(key, flavor):
            if needed <= has < recommended:
                yield wrong(f"has {has} {unit}, {recommended} are recommended: {NODE.source}", "use a larger flavor")
        if key.partition(".")[0] in RECOMMENDED and 0 < flavor.disk_gib < NODE_DISK_GIB:
            rule = f"has a disk of {flavor.disk_gib} GiB, container images need {NODE_DISK_GIB}"
            yield wrong(rule, "use a larger flavor")
