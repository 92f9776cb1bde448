"""Backups of etcd and of the database: the newest, and what is wrong with them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ops.database import backups as database_backups
from ops.etcd import snapshots
from ops.status.machine_report import UNREADABLE, MachineReport

#: The first backup may be this much later than its interval, in seconds: machines are created, images pulled.
FIRST = 900
#: How the name of a snapshot from before an upgrade ends (agent/etcd/backup_record.py).
UPGRADE = "-upgrade"


@dataclass(frozen=True)
class Backup:
    """Backups of one store. Times in Unix seconds, `interval` in seconds, 0 where there is no schedule.

    `wrong` says why they are not good enough, `problem` why nothing is known of them.
    """

    of: str
    newest: str = ""
    where: str = ""
    taken: int | None = None
    age: int | None = None
    """Seconds, by the clock of the machine that took it."""
    count: int = 0
    interval: int = 0
    upgrade: int | None = None
    """The age of the newest one from before an upgrade, in seconds."""
    copied: Mapping[str, int] = field(default_factory=dict)
    """Places off the machines, and the age of the last copy there, in seconds."""
    off: bool = False
    """None are configured."""
    wrong: tuple[str, ...] = ()
    problem: str = ""


def of_etcd(reports: Iterable[MachineReport], created: int | None, now: float) -> Backup:
    """From the members' own listings, which also say when places off the machines got their last copy.

    `created` is when the platform was (Unix seconds, None when not known): the first snapshot is due an interval later.
    """
    listings: list[dict[str, Any]] = []
    problems: list[str] = []
    for report in reports:
        try:
            listings.append(json.loads(report.text("backups")))
        except json.JSONDecodeError:
            # A member that was not reached is listed with the machines.
            if not report.problem:
                problem = report.answer("backups").problem or "no JSON"
                problems.append(f"{report.name}: its snapshots are not known: {problem}")
    if not listings:
        return Backup("etcd", problem="no member lists its snapshots")
    try:
        found = snapshots.parse(listings)
        copies = [copy for one in listings for copy in (one["status"].get("copies") or {}).items()]
        copied = {place: max(found.now - int(time), 0) for place, time in sorted(copies)}
    except UNREADABLE as error:
        return Backup("etcd", problem=f"the members' listings cannot be read: {type(error).__name__} {error}")
    newest = found.newest
    first_is_due = created is None or now >= created + found.interval + FIRST
    late = found.late if found.interval and (newest or first_is_due) else ""
    unverified = [f"{one.where}: {one.name} failed its proof" for one in found.found if not one.verified]
    backup = Backup(
        "etcd",
        count=len(found.found),
        interval=found.interval,
        upgrade=min((found.now - one.time for one in found.found if one.name.endswith(UPGRADE)), default=None),
        copied=copied,
        off=not found.interval,
        wrong=tuple(filter(None, [late, *found.problems, *unverified, *problems])),
    )
    if newest is None:
        return backup
    age = max(found.now - newest.time, 0)
    return replace(backup, newest=newest.name, where=newest.where, taken=newest.time, age=age)


def of_database(data: Mapping[str, str], cron: Mapping[str, Any] | None, now: float) -> Backup:
    """From the data of the ConfigMap of backups and from the CronJob, None when there is none."""
    if cron is None:
        return Backup("database", off=True)
    try:
        found = database_backups.parse(data, cron["spec"]["schedule"])
        created = datetime.fromisoformat(cron["metadata"]["creationTimestamp"]).timestamp()
    except UNREADABLE as error:
        return Backup("database", problem=f"the list of backups cannot be read: {type(error).__name__} {error}")
    newest = found.newest
    late = found.late(now) if newest or now > created + found.interval + FIRST else ""
    failure = f"the last attempt failed: {found.failure}" if found.failure else ""
    wrong = tuple(filter(None, [late, failure]))
    backup = Backup("database", count=len(found.found), interval=found.interval, wrong=wrong)
    if newest is None:
        return backup
    age = int(now) - newest.time
    copied = {newest.copied: age} if newest.copied else {}
    return replace(backup, newest=newest.name, where=newest.source, taken=newest.time, age=max(age, 0), copied=copied)
