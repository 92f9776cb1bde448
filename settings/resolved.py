"""Exact versions of Kubernetes and etcd, from what the stack file says and what the stack runs. Pure functions.

A stack file without a version keeps the running one. A minor version ("1.36") means its newest patch in
settings/versions.py.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from settings.running import Running
from settings.versions import DEFAULT_KUBERNETES, KUBERNETES, minor

_EXACT: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def numbers(version: str) -> tuple[int, int, int] | None:
    """The three numbers of an exact version. None for anything else."""
    match = _EXACT.fullmatch(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def is_newer(version: str, other: str) -> bool:
    """Whether the first is newer than the second. False where one of them is not an exact version."""
    mine, theirs = numbers(version), numbers(other)
    return mine is not None and theirs is not None and mine > theirs


def with_versions(given: Mapping[str, Any], running: Running | None) -> dict[str, Any]:
    """The keys of a stack file with exact versions. A value that is not a section or not text stays as it is."""
    kubernetes, etcd = given.get("kubernetes", {}), given.get("etcd", {})
    if not isinstance(kubernetes, Mapping):
        return dict(given)
    wanted = kubernetes.get("version", _as_it_runs(running))
    if isinstance(wanted, str):
        wanted = _newest_patch(wanted, running)
    result = {**given, "kubernetes": {**kubernetes, "version": wanted}}
    if isinstance(etcd, Mapping) and not etcd.get("version") and (kept := _kept_etcd(wanted, running)):
        result["etcd"] = {**etcd, "version": kept}
    return result


def _as_it_runs(running: Running | None) -> str:
    """A newer default is for new stacks, and for those with a minor version that this program no longer has."""
    known = running is not None and numbers(running.kubernetes) and minor(running.kubernetes) in KUBERNETES
    return running.kubernetes if running and known else DEFAULT_KUBERNETES


def _newest_patch(wanted: str, running: Running | None) -> str:
    """The newest patch of a minor version: the cluster's own where that is newer than this program."""
    if wanted not in KUBERNETES:
        return wanted
    newest = KUBERNETES[wanted].patch
    now = running.kubernetes if running else ""
    return now if minor(now) == wanted and is_newer(now, newest) else newest


def _kept_etcd(kubernetes: Any, running: Running | None) -> str:
    """The version that a cluster's etcd keeps: the same while Kubernetes stays the same, and never an older one."""
    if running is None or numbers(running.etcd) is None or not isinstance(kubernetes, str):
        return ""
    brought = KUBERNETES.get(minor(kubernetes))
    stays = kubernetes == running.kubernetes or (brought is not None and is_newer(running.etcd, brought.etcd))
    return running.etcd if stays else ""
