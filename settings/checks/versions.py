"""Versions of Kubernetes: what the table has, and what the running cluster may go to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from settings.platform import PlatformSettings
from settings.problem import Problem
from settings.running import Running
from settings.versions import KUBERNETES

_KEY: Final = "kubernetes.version"
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def _parts(version: str) -> tuple[int, int, int] | None:
    match = _VERSION.fullmatch(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def problems(settings: PlatformSettings, running: Running | None) -> Iterator[Problem]:
    """A version that this program knows, not older than what runs, and no minor version left out on the way."""
    wanted = settings.kubernetes.version
    if wanted not in KUBERNETES:
        yield Problem(_KEY, wanted, f"is not in the table of versions ({', '.join(KUBERNETES)})", _nearest(wanted))
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


def _nearest(wanted: str) -> str:
    """The fix: the version that was meant where that is clear."""
    plain = wanted.removeprefix("v")
    meant = [version for version in KUBERNETES if version == plain or version.startswith(f"{plain}.")]
    if not meant and (parts := _parts(wanted)):
        meant = [version for version in KUBERNETES if version.startswith(f"{parts[0]}.{parts[1]}.")]
    return f"did you mean {meant[-1]}?" if meant else f"use {next(iter(KUBERNETES))}"
