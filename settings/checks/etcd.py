"""etcd's timers and the size of its database."""

from collections.abc import Iterator
from datetime import timedelta
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


def elections_wait_for_several_heartbeats(context: Context) -> Iterator[Problem]:
    etcd = context.settings.etcd
    heartbeat, election = etcd.heartbeat_milliseconds, etcd.election_milliseconds
    if not LEAST_RATIO * heartbeat <= election <= MOST_RATIO * heartbeat:
        rule = f"must be {LEAST_RATIO} to {MOST_RATIO} times heartbeatMilliseconds, which is {heartbeat}"
        others = ("etcd.heartbeatMilliseconds",)
        yield Problem("etcd.electionMilliseconds", str(election), rule, f"use {10 * heartbeat}", others)


def volume_holds_the_database(context: Context) -> Iterator[Problem]:
    volume, quota = context.settings.etcd.volume, context.settings.etcd.quota
    if volume is not None and volume.size_gib * GIB <= size_of(quota):
        rule = f"must be more than etcd.quota, which is {quota}: logs and a second copy are there too"
        fix = f"use {max(-(-2 * size_of(quota) // GIB), 1)}"
        yield Problem("etcd.volume.sizeGib", str(volume.size_gib), rule, fix, others=("etcd.quota",))


def an_empty_etcd_is_wanted_today(context: Context) -> Iterator[Problem]:
    """Members look at their own clocks (agent/etcd/start.py). The day before passes: midnight may come meanwhile."""
    day, today = context.settings.etcd.start_empty, context.today
    if day and day not in (today.isoformat(), (today - timedelta(days=1)).isoformat()):
        rule = (
            "is not today's date (UTC): an empty etcd ends every pod, so what permits one holds for one day and is not"
            " left behind"
        )
        fix = f'remove it; where all that etcd held is to be given up today, write "{today.isoformat()}"'
        yield Problem("etcd.startEmpty", day, rule, fix)


def database_is_small(context: Context) -> Iterator[Problem]:
    """A large database makes starting and defragmenting slow."""
    quota = context.settings.etcd.quota
    if size_of(quota) > size_of(LARGEST_QUOTA):
        rule = (
            f"is over the {LARGEST_QUOTA} that etcd suggests at most (https://etcd.io/docs/v3.6/dev-guide/limit/): a "
            "member that starts, joins or is defragmented reads all of it, and the others wait for that"
        )
        yield Problem("etcd.quota", quota, rule, f"use {LARGEST_QUOTA} or less")
