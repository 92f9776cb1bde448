"""Versions of Kubernetes and etcd: known ones, and upgrades of the running cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.resolved import is_newer, numbers
from settings.rules import Context
from settings.running import Running
from settings.versions import (
    DEFAULT_KUBERNETES,
    DEPARTING,
    ETCD,
    ETCD_MINORS,
    KUBERNETES,
    RELEASES,
    minor,
    support_ends,
)

_KEY: Final = "kubernetes.version"
_ETCD: Final = "etcd.version"
_CONTAINERD: Final = re.compile(r"(?:\d+:)?(\d+)\.(\d+)")
SUPPORTED: Final = tuple(each for each in KUBERNETES if each not in DEPARTING)


def errors(context: Context) -> Iterator[Problem]:
    """Known versions, no downgrade, and no skipped minor version."""
    settings, running = context.settings, context.running
    yield from _kubernetes(settings, running)
    if settings.etcd.version or minor(settings.kubernetes.version) in KUBERNETES:
        yield from _etcd(settings, running)


def warnings(context: Context) -> Iterator[Problem]:
    """A version out of support or soon to be, an untested version, and a patch upgrade that comes by default."""
    settings, running, today = context.settings, context.running, context.today
    version, brought = settings.kubernetes.version, settings.brought
    if words := support_ends(version, today):
        yield Problem(
            _KEY, version, f"is {words}", f"go up by one minor version at a time, to {SUPPORTED[-1]} ({RELEASES})"
        )
    if is_newer(version, brought.patch):
        rule = f"is newer than {brought.patch}, the newest of its minor version that this program was tested with"
        yield Problem(_KEY, version, rule, "read its release notes before you use it in production")
    now = running.kubernetes if running else ""
    if minor(version) == minor(now) and is_newer(version, now):
        rule = f"upgrades the cluster, which runs {now}, machine by machine"
        yield Problem(_KEY, version, rule, f"set it to {now} to stay there for now")


def _kubernetes(settings: PlatformSettings, running: Running | None) -> Iterator[Problem]:
    wanted, now = settings.kubernetes.version, running.kubernetes if running else ""
    is_new = running is None or not running.finished
    if numbers(wanted) is None or minor(wanted) not in KUBERNETES:
        rule = f"is not a version that this program supports ({', '.join(KUBERNETES)})"
        yield Problem(_KEY, wanted, rule, _meant(wanted))
        return
    if is_newer(now, wanted):
        yield Problem(
            _KEY,
            wanted,
            f"is older than {now}, which the cluster runs: Kubernetes cannot be downgraded",
            f"set it to {now}" + ("" if minor(now) in KUBERNETES else " or a newer one"),
        )
    elif step := _skipped(wanted, now):
        known = KUBERNETES.get(step)
        between = known.patch if known else f"a release of this program that has {step}.x, and that version"
        yield Problem(
            _KEY,
            wanted,
            f"skips a minor version: the cluster runs {now}, and kubeadm upgrades by one at a time "
            "(https://kubernetes.io/releases/version-skew-policy/)",
            f"bring up {between} first",
        )
    elif minor(wanted) in DEPARTING and is_new and settings.kubernetes.departing == "refused":
        yield Problem(
            _KEY,
            wanted,
            f"has been out of support since {settings.brought.end_of_life}, and is here only for upgrades: "
            "no new stack can start with it",
            f'use "{DEFAULT_KUBERNETES}", or set kubernetes.departing to allowed to rebuild a lost platform from its '
            "backups",
            ("kubernetes.departing",),
        )
    yield from _containerd(settings)


def _containerd(settings: PlatformSettings) -> Iterator[Problem]:
    """A pinned containerd must be new enough for the kubelet."""
    pin, oldest = settings.maintenance.packages.get("containerd", ""), settings.brought.containerd
    match = _CONTAINERD.match(pin)
    if match and (int(match[1]), int(match[2])) < tuple(map(int, oldest.split("."))):
        rule = f"is too old for Kubernetes {minor(settings.kubernetes.version)}, whose kubelet needs {oldest} or newer"
        fix = f"pin {oldest} or newer, or leave the pin out"
        yield Problem("maintenance.packages.containerd", pin, rule, fix, (_KEY,))


def _etcd(settings: PlatformSettings, running: Running | None) -> Iterator[Problem]:
    wanted, now = settings.etcd_version, running.etcd if running else ""
    if numbers(wanted) is None or minor(wanted) not in ETCD_MINORS:
        newest = list(ETCD)[-1]
        rule = f"is not a version of {' or '.join(ETCD_MINORS)}, which the platform supports"
        yield Problem(_ETCD, wanted, rule, f"use {newest}, or leave it out: it comes with kubernetes.version")
        return
    if wanted not in ETCD and not settings.etcd.sha256:
        yield Problem(
            "etcd.sha256",
            "",
            f"must have the SHA-256 of etcd {wanted}: this program knows that of {next(iter(ETCD))} to "
            f"{list(ETCD)[-1]}, and installs no archive without one",
            f"write it as {{amd64: ...}}, from SHA256SUMS of https://github.com/etcd-io/etcd/releases/tag/v{wanted}",
            (_ETCD,),
        )
    if is_newer(now, wanted):
        rule = f"is older than {now}, which the cluster runs: etcd's data cannot be downgraded"
        yield Problem(_ETCD, wanted, rule, f"set it to {now}", (_KEY,))
    elif step := _skipped(wanted, now):
        rule = (
            f"skips a minor version: the cluster runs {now}, and etcd upgrades by one at a time "
            "(https://etcd.io/docs/v3.6/upgrades/)"
        )
        known = [version for version in ETCD if minor(version) == step]
        between = known[-1] if known else f"a release of this program that has {step}.x, and that version"
        yield Problem(_ETCD, wanted, rule, f"bring up {between} first", (_KEY,))


def _skipped(wanted: str, now: str) -> str:
    """The minor version after the running one, if the wanted one is beyond it."""
    here, there = numbers(now), numbers(wanted)
    if here is None or there is None or there[0] != here[0] or there[1] <= here[1] + 1:
        return ""
    return f"{here[0]}.{here[1] + 1}"


def _meant(wanted: str) -> str:
    """The fix: the version that was probably meant, if that is clear."""
    plain = minor(wanted.removeprefix("v"))
    return f'did you mean "{plain}"?' if plain in SUPPORTED else f'use "{DEFAULT_KUBERNETES}"'
