"""Settings that cannot change while the cluster lives, against what the stack already runs."""

from __future__ import annotations

from collections.abc import Iterator

from settings.addresses import AddressPlan
from settings.fixed import fixed
from settings.platform import PlatformSettings
from settings.problem import Problem
from settings.running import Running


def problems(settings: PlatformSettings, cluster: str, plan: AddressPlan, running: Running | None) -> Iterator[Problem]:
    """One problem a setting that is another than the one that runs."""
    if running is None:
        return
    for key, value in fixed(settings, cluster, plan).items():
        before = running.fixed.get(key, value)
        if before != value:
            yield Problem(
                key,
                value,
                f"cannot change while the cluster lives, which has {before}",
                f"set it back to {before}, or bring up another stack and move there",
            )
