"""Versions of Kubernetes and etcd: what the tables have, and what the running cluster may go to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from settings.platform import PlatformSettings
from settings.problem import Problem
from settings.running import Running
from settings.versions import DEFAULT_KUBERNETES, ETCD, KUBERNETES

_KEY: Final = "kubernetes.version"
_ETCD: Final = "etcd.version"
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def _parts(version: str) -> tuple[int, int, int] | None:
    match = _VERSION.fullmatch(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def problems(settings: PlatformSettings, running: Running | None) -> Iterator[Problem]:
    """Versions that this program knows, not older than what runs, and no minor version left out on the way."""
    yield from _kubernetes(settings, running)
    if settings.etcd.version and settings.etcd.version not in ETCD:
        wanted = settings.etcd.version
        fix = _nearest(wanted, ETCD, "leave it out: the version follows kubernetes.version")
        yield Problem(_ETCD, wanted, f"is not in the table of versions ({', '.join(ETCD)})", fix)
    elif settings.etcd.version or settings.kubernetes.version in KUBERNETES:
        yield from _etcd(settings.etcd_version, running)


def _etcd(wanted: str, running: Running | None) -> Iterator[Problem]:
    now, then = _parts(running.etcd if running else ""), _parts(wanted)
    if running is None or now is None or then is None:
        return
    others = (_KEY,)
    if then < now:
        rule = f"is older than {running.etcd}, which the cluster runs: etcd's data does not go back"
        yield Problem(_ETCD, wanted, rule, f"set it to {running.etcd}", others)
    elif then[0] == now[0] and then[1] > now[1] + 1:
        rule = (
            f"skips a minor version: the cluster runs {running.etcd}, and etcd goes up by one at a time "
            "(https://etcd.io/docs/v3.6/upgrades/)"
        )
        between = [version for version in ETCD if version.startswith(f"{now[0]}.{now[1] + 1}.")]
        step = (
            between[-1] if between else f"a release of this program that has {now[0]}.{now[1] + 1}.x, and that version"
        )
        yield Problem(_ETCD, wanted, rule, f"bring up {step} first", others)


def _kubernetes(settings: PlatformSettings, running: Running | None) -> Iterator[Problem]:
    wanted = settings.kubernetes.version
    if wanted not in KUBERNETES:
        yield Problem(
            _KEY,
            wanted,
            f"is not in the table of versions ({', '.join(KUBERNETES)})",
            _nearest(wanted, KUBERNETES, f"use {DEFAULT_KUBERNETES}"),
        )
        return
    now, then = _parts(running.kubernetes if running else ""), _parts(wanted)
    if running is None or now is None or then is None:
        return
    if then < now:
        yield Problem(
            _KEY,
            wanted,
            f"is older than {running.kubernetes}, which the cluster runs: Kubernetes does not go back",
            f"set it to {running.kubernetes}" + ("" if running.kubernetes in KUBERNETES else " or a newer one"),
        )
    elif then[0] == now[0] and then[1] > now[1] + 1:
        next_minor = f"{now[0]}.{now[1] + 1}."
        known = [version for version in KUBERNETES if version.startswith(next_minor)]
        step = known[-1] if known else f"a release of this program that has {next_minor}x, and that version"
        yield Problem(
            _KEY,
            wanted,
            f"skips a minor version: the cluster runs {running.kubernetes}, and kubeadm goes up by one at a time "
            "(https://kubernetes.io/releases/version-skew-policy/)",
            f"bring up {step} first",
        )


def _nearest(wanted: str, table: Iterable[str], otherwise: str) -> str:
    """The fix: the version of the table that was meant where that is clear."""
    plain = wanted.removeprefix("v")
    known = list(table)
    meant = [version for version in known if version == plain or version.startswith(f"{plain}.")]
    if not meant and (parts := _parts(wanted)):
        meant = [version for version in known if version.startswith(f"{parts[0]}.{parts[1]}.")]
    return f"did you mean {meant[-1]}?" if meant else otherwise
