"""Backups of etcd and of the database: the newest, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops.database import backups as database_backups
from ops.etcd import snapshots
from ops.status.machine_report import MachineReport

#: The first backup may come so much later than its interval, in seconds: machines are made, images pulled.
FIRST = 900
#: How the name of a snapshot ends that was taken before an upgrade (machines/etcd/backup-record.sh).
UPGRADE = "-upgrade"


@dataclass(frozen=True)
class Backup:
    """Backups of one store. Times in Unix seconds, `interval` in seconds, 0 where none are taken by themselves.

    `wrong` has why they are not good enough, `problem` why they could not be asked about.
    """

    of: str
    newest: str = ""
    where: str = ""
    taken: int | None = None
    age: int | None = None
    """Seconds, by the clock of who took it."""
    count: int = 0
    interval: int = 0
    upgrade: int | None = None
    """Seconds since the newest one was taken that was taken before an upgrade."""
    copied: tuple[tuple[str, int], ...] = ()
    """Places off the machines, and the age of what was last brought there, in seconds."""
    off: bool = False
    """None are configured."""
    wrong: tuple[str, ...] = ()
    problem: str = ""


#: What reading an answer in the form of another release raises.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)


def of_etcd(looks: Iterable[MachineReport], made: int | None, now: float) -> Backup:
    """From the members' own listings; places off the machines are not asked, but when they were last brought in line.

    `made` is when the platform was (Unix seconds, None when not known): the first snapshot is due one interval later.
    """
    listings: list[dict[str, Any]] = []
    problems: list[str] = []
    for look in looks:
        answer = look.answer("backups")
        try:
            listings.append(json.loads(answer.text if not answer.problem else ""))
        except json.JSONDecodeError:
            if not look.problem:
                # A member that was not reached is listed with the machines.
                problems.append(f"{look.name}: its snapshots are not known: {answer.problem or 'no JSON'}")
    if not listings:
        return Backup("etcd", problem="no member tells its snapshots")
    try:
        found = snapshots.parse(listings)
    except UNREADABLE as error:
        return Backup("etcd", problem=f"the members' listings cannot be read: {type(error).__name__} {error}")
    newest = found.newest
    unverified = [f"{one.where}: {one.name} failed its proof" for one in found.found if not one.verified]
    late = found.late if found.interval else ""
    if newest is None and made is not None and now < made + found.interval + FIRST:
        late = ""
    return Backup(
        "etcd",
        newest=newest.name if newest else "",
        where=newest.where if newest else "",
        taken=newest.time if newest else None,
        age=max(found.now - newest.time, 0) if newest else None,
        count=len(found.found),
        interval=found.interval,
        upgrade=min((found.now - one.time for one in found.found if one.name.endswith(UPGRADE)), default=None),
        copied=_copies(listings, found.now),
        off=not found.interval,
        wrong=tuple(filter(None, [late, *found.problems, *unverified, *problems])),
    )


def _copies(listings: Iterable[Mapping[str, Any]], now: int) -> tuple[tuple[str, int], ...]:
    """The youngest copy in each place."""
    times: dict[str, int] = {}
    for listing in listings:
        for place, moment in (listing["status"].get("copies") or {}).items():
            times[place] = max(times.get(place, 0), int(moment))
    return tuple(sorted((place, max(now - moment, 0)) for place, moment in times.items()))


def of_database(data: Mapping[str, str] | None, cron: Mapping[str, Any] | None, now: float) -> Backup:
    """From the data of the ConfigMap of backups and from the CronJob; None stands for that there is none."""
    if cron is None:
        return Backup("database", off=True)
    try:
        found = database_backups.parse(data or {}, cron["spec"]["schedule"])
        made = datetime.fromisoformat(cron["metadata"]["creationTimestamp"]).timestamp()
    except UNREADABLE as error:
        return Backup("database", problem=f"the list of backups cannot be read: {type(error).__name__} {error}")
    newest = found.newest
    due = newest is not None or now > made + found.interval + FIRST
    failure = f"the last attempt failed: {found.failure}" if found.failure else ""
    copies = sorted({(one.copied, int(now) - one.time) for one in found.found[:1] if one.copied})
    return Backup(
        "database",
        newest=newest.name if newest else "",
        where=newest.source if newest else "",
        taken=newest.time if newest else None,
        age=max(int(now) - newest.time, 0) if newest else None,
        count=len(found.found),
        interval=found.interval,
        copied=tuple(copies),
        wrong=tuple(filter(None, [found.late(now) if due else "", failure])),
    )
