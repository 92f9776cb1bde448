"""Quorum: how many members of etcd and control planes make sense."""

from __future__ import annotations

from collections.abc import Iterator

from settings.platform import PlatformSettings
from settings.problem import Problem


def problems(settings: PlatformSettings) -> Iterator[Problem]:
    """An even number of members tolerates no more loss than one less."""
    count = settings.etcd.count
    if count % 2 == 0:
        yield Problem(
            "etcd.count",
            str(count),
            f"tolerates {(count - 1) // 2} lost members, no more than {count - 1} do",
            "use an odd number (1, 3, 5 or 7)",
        )
