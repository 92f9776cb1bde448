"""Quorum: sensible numbers of etcd members and control planes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from settings.problem import Problem
from settings.rules import Context

#: floor((n - 1) / 2) members may be lost (https://etcd.io/docs/v3.6/faq/#why-an-odd-number-of-cluster-members).
TABLE: Final = "1 tolerates 0 lost, 3 tolerate 1, 5 tolerate 2, 7 tolerate 3"


def _even(key: str, count: int, what: str, others: tuple[str, ...] = ()) -> Problem:
    tolerated = (count - 1) // 2
    return Problem(
        key,
        str(count),
        f"{count} {what} tolerate {tolerated} lost, no more than {count - 1} {'do' if count > 2 else 'does'} ({TABLE})",
        f"use {count - 1} or {count + 1}",
        others=others,
    )


def errors(context: Context) -> Iterator[Problem]:
    """An even number of members tolerates no more losses than one fewer, and one more member can fail."""
    settings = context.settings
    if settings.etcd.count % 2 == 0:
        yield _even("etcd.count", settings.etcd.count, "members")
    if settings.preset == "production" and settings.control_planes.count % 2 == 0:
        yield _even("controlPlanes.count", settings.control_planes.count, "control planes", ("preset",))


def warnings(context: Context) -> Iterator[Problem]:
    """Even numbers outside production, and single points of failure in production."""
    settings = context.settings
    control_planes = settings.control_planes.count
    if settings.preset != "production":
        if control_planes % 2 == 0:
            yield _even("controlPlanes.count", control_planes, "control planes")
        return
    if settings.etcd.count == 1:
        yield Problem("etcd.count", "1", f"if the only member is lost, so is the cluster's state ({TABLE})", "use 3")
    if control_planes == 1:
        yield Problem("controlPlanes.count", "1", "if the only control plane is lost, so is the API", "use 3")
    if settings.gateways.count == 1:
        yield Problem("gateways.count", "1", "if the only gateway is lost, so is the way in and out", "use 2")
