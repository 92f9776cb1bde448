"""Versions of Kubernetes, etcd and pinned packages: known ones, and upgrades of the running cluster."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from settings.error_messages import closest
from settings.problem import Problem
from settings.resolved import is_newer, numbers
from settings.rules import Context
from settings.versions import (
    DEFAULT_KUBERNETES,
    DEPARTING,
    ETCD,
    ETCD_MINORS,
    KUBERNETES,
    RELEASES,
    ROLE_PACKAGES,
    minor,
    support_ends,
)

_KEY: Final = "kubernetes.version"
_ETCD: Final = "etcd.version"
_CONTAINERD: Final = re.compile(r"(?:\d+:)?(\d+)\.(\d+)")
SUPPORTED: Final = tuple(each for each in KUBERNETES if each not in DEPARTING)
#: Packages whose version is a setting of its own.
_OWN_SETTING: Final[Mapping[str, str]] = {
    "etcd": _ETCD,
    **dict.fromkeys(("kubeadm", "kubectl", "kubelet", "kubernetes-cni"), _KEY),
}


def packages_may_be_pinned(context: Context) -> Iterator[Problem]:
    """Only those of the machines' roles, and none whose version is another setting."""
    for name, version in context.settings.maintenance.packages.items():
        rule = fix = ""
        if name in _OWN_SETTING:
            rule, fix = f"follows {_OWN_SETTING[name]}", f"remove it and set {_OWN_SETTING[name]}"
        elif name not in ROLE_PACKAGES:
            near = closest(name, ROLE_PACKAGES)
            rule = f"is not a package of any machine's role ({', '.join(ROLE_PACKAGES)})"
            fix = f"did you mean {near}?" if near else "remove it: an epoch brings all others to what the sources offer"
        if rule:
            yield Problem(f"maintenance.packages.{name}", version, rule, fix)


def _is_known(context: Context) -> bool:
    version = context.settings.kubernetes.version
    return numbers(version) is not None and minor(version) in KUBERNETES


def kubernetes_is_known(context: Context) -> Iterator[Problem]:
    if not _is_known(context):
        wanted = context.settings.kubernetes.version
        meant = minor(wanted.removeprefix("v"))
        rule = f"is not a version that this program supports ({', '.join(KUBERNETES)})"
        fix = f'did you mean "{meant}"?' if meant in SUPPORTED else f'use "{DEFAULT_KUBERNETES}"'
        yield Problem(_KEY, wanted, rule, fix)


def kubernetes_goes_up_by_one_minor_version(context: Context) -> Iterator[Problem]:
    wanted, now = context.settings.kubernetes.version, context.running.kubernetes if context.running else ""
    if not _is_known(context):
        return
    if is_newer(now, wanted):
        rule = f"is older than {now}, which the cluster runs: Kubernetes cannot be downgraded"
        yield Problem(_KEY, wanted, rule, f"set it to {now}" + ("" if minor(now) in KUBERNETES else " or a newer one"))
    elif step := _skipped(wanted, now):
        known = KUBERNETES.get(step)
        between = known.patch if known else f"a release of this program that has {step}.x, and that version"
        rule = (
            f"skips a minor version: the cluster runs {now}, and kubeadm upgrades by one at a time "
            "(https://kubernetes.io/releases/version-skew-policy/)"
        )
        yield Problem(_KEY, wanted, rule, f"bring up {between} first")


def new_stacks_start_with_a_supported_version(context: Context) -> Iterator[Problem]:
    settings = context.settings
    is_new = context.running is None or not context.running.finished
    wanted, is_refused = settings.kubernetes.version, settings.kubernetes.departing == "refused"
    if is_new and is_refused and _is_known(context) and minor(wanted) in DEPARTING:
        rule = (
            f"has been out of support since {settings.brought.end_of_life}, and is here only for upgrades: "
            "no new stack can start with it"
        )
        fix = (
            f'use "{DEFAULT_KUBERNETES}", or set kubernetes.departing to allowed to rebuild a lost platform from its '
            "backups"
        )
        yield Problem(_KEY, wanted, rule, fix, ("kubernetes.departing",))


def containerd_is_new_enough_for_the_kubelet(context: Context) -> Iterator[Problem]:
    settings = context.settings
    match = _CONTAINERD.match(pin := settings.maintenance.packages.get("containerd", ""))
    if match is None or not _is_known(context):
        return
    oldest = settings.brought.containerd
    if (int(match[1]), int(match[2])) < tuple(map(int, oldest.split("."))):
        rule = f"is too old for Kubernetes {minor(settings.kubernetes.version)}: its kubelet needs {oldest} or newer"
        fix = f"pin {oldest} or newer, or leave the pin out"
        yield Problem("maintenance.packages.containerd", pin, rule, fix, (_KEY,))


def _etcd(context: Context) -> str:
    """The version of etcd. Empty where it would come with an unknown version of Kubernetes."""
    settings = context.settings
    return settings.etcd_version if settings.etcd.version or minor(settings.kubernetes.version) in KUBERNETES else ""


def _etcd_is_known(version: str) -> bool:
    return numbers(version) is not None and minor(version) in ETCD_MINORS


def etcd_is_known(context: Context) -> Iterator[Problem]:
    wanted = _etcd(context)
    if wanted and not _etcd_is_known(wanted):
        rule = f"is not a version of {' or '.join(ETCD_MINORS)}, which the platform supports"
        fix = f"use {list(ETCD)[-1]}, or leave it out: it comes with kubernetes.version"
        yield Problem(_ETCD, wanted, rule, fix)


def etcd_has_a_digest(context: Context) -> Iterator[Problem]:
    wanted = _etcd(context)
    if _etcd_is_known(wanted) and wanted not in ETCD and not context.settings.etcd.sha256:
        first, *_, last = ETCD
        rule = (
            f"must have the SHA-256 of etcd {wanted}: this program knows that of {first} to {last}, and installs no "
            "archive without one"
        )
        source = f"SHA256SUMS of https://github.com/etcd-io/etcd/releases/tag/v{wanted}"
        yield Problem("etcd.sha256", "", rule, f"write it as {{amd64: ...}}, from {source}", (_ETCD,))


def etcd_goes_up_by_one_minor_version(context: Context) -> Iterator[Problem]:
    wanted, now = _etcd(context), context.running.etcd if context.running else ""
    if not _etcd_is_known(wanted):
        return
    if is_newer(now, wanted):
        rule = f"is older than {now}, which the cluster runs: etcd's data cannot be downgraded"
        yield Problem(_ETCD, wanted, rule, f"set it to {now}", (_KEY,))
    elif step := _skipped(wanted, now):
        known = [version for version in ETCD if minor(version) == step]
        between = known[-1] if known else f"a release of this program that has {step}.x, and that version"
        rule = (
            f"skips a minor version: the cluster runs {now}, and etcd upgrades by one at a time "
            "(https://etcd.io/docs/v3.6/upgrades/)"
        )
        yield Problem(_ETCD, wanted, rule, f"bring up {between} first", (_KEY,))


def _skipped(wanted: str, now: str) -> str:
    """The minor version after the running one, if the wanted one is beyond it."""
    here, there = numbers(now), numbers(wanted)
    if here is None or there is None or there[0] != here[0] or there[1] <= here[1] + 1:
        return ""
    return f"{here[0]}.{here[1] + 1}"


def kubernetes_is_supported(context: Context) -> Iterator[Problem]:
    version = context.settings.kubernetes.version
    if words := support_ends(version, context.today):
        fix = f"go up by one minor version at a time, to {SUPPORTED[-1]} ({RELEASES})"
        yield Problem(_KEY, version, f"is {words}", fix)


def kubernetes_was_tested(context: Context) -> Iterator[Problem]:
    version, tested = context.settings.kubernetes.version, context.settings.brought.patch
    if is_newer(version, tested):
        rule = f"is newer than {tested}, the newest of its minor version that this program was tested with"
        yield Problem(_KEY, version, rule, "read its release notes before you use it in production")


def patch_upgrades_are_announced(context: Context) -> Iterator[Problem]:
    """They come by default, with a release of this program."""
    version, now = context.settings.kubernetes.version, context.running.kubernetes if context.running else ""
    if minor(version) == minor(now) and is_newer(version, now):
        rule = f"upgrades the cluster, which runs {now}, machine by machine"
        yield Problem(_KEY, version, rule, f"set it to {now} to stay there for now")
