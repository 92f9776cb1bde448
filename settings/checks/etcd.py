"""etcd's timers and the size of its database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from settings.model import size_of
from settings.problem import Problem
from settings.rules import Context

#: https://etcd.io/docs/v3.6/tuning/#time-parameters: the election timeout is at least ten round trips, and etcd itself
#: refuses one of less than five heartbeats.
LEAST_RATIO, MOST_RATIO = 5, 50
#: https://etcd.io/docs/v3.6/dev-guide/limit/#storage-size-limit: the suggested maximum.
LARGEST_QUOTA: Final = "8Gi"
GIB: Final = 1024**3


def errors(context: Context) -> Iterator[Problem]:
    """An election must wait for several heartbeats, but not forever."""
    settings = context.settings
    heartbeat, election = settings.etcd.heartbeat_milliseconds, settings.etcd.election_milliseconds
    if not LEAST_RATIO * heartbeat <= election <= MOST_RATIO * heartbeat:
        yield Problem(
            "etcd.electionMilliseconds",
            str(election),
            f"must be {LEAST_RATIO} to {MOST_RATIO} times heartbeatMilliseconds, which is {heartbeat}",
            f"use {10 * heartbeat}",
            others=("etcd.heartbeatMilliseconds",),
        )
    volume, quota = settings.etcd.volume, size_of(settings.etcd.quota)
    if volume is not None and volume.size_gib * GIB <= quota:
        yield Problem(
            "etcd.volume.sizeGib",
            str(volume.size_gib),
            f"must be more than etcd.quota, which is {settings.etcd.quota}: logs and a second copy are there too",
            f"use {max(-(-2 * quota // GIB), 1)}",
            others=("etcd.quota",),
        )


def warnings(context: Context) -> Iterator[Problem]:
    """A large database makes starting and defragmenting slow."""
    settings = context.settings
    quota = settings.etcd.quota
    if size_of(quota) > size_of(LARGEST_QUOTA):
        yield Problem(
            "etcd.quota",
            quota,
            f"is over the {LARGEST_QUOTA} that etcd suggests at most (https://etcd.io/docs/v3.6/dev-guide/limit/): a "
            "member that starts, joins or is defragmented reads all of it, and the others wait for that",
            f"use {LARGEST_QUOTA} or less",
        )
