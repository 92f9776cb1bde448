"""Which backups there are, as the pods that take them record it in the cluster."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ops.shared.backups import LATE_INTERVALS, duration

#: Allowed on top, in seconds: before the first one a volume is bound and an image pulled.
GRACE = 900


@dataclass(frozen=True)
class Backup:
    """One dump. Only dumps that were read back to their end, with their checksum kept, are ever listed."""

    name: str
    size: int
    """Bytes."""
    checksum: str
    """SHA-256."""
    position: str
    """GTID up to which it holds every transaction."""
    source: str
    """The member that it was taken from."""
    seconds: int
    """How long that took."""
    copied: str = ""
    """Where a copy is off the cluster (s3); empty for nowhere."""

    @property
    def time(self) -> int:
        """When it was begun, in Unix seconds: it holds the data of that moment."""
        return int(datetime.strptime(self.name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())


@dataclass(frozen=True)
class Backups:
    """What there is, newest first; `failure` of the last attempt, empty when it went well; `interval` in seconds."""

    found: tuple[Backup, ...]
    failure: str
    interval: int

    @property
    def newest(self) -> Backup | None:
        """The newest one."""
        return self.found[0] if self.found else None

    def late(self, now: float) -> str:
        """Why this is not good enough; empty when it is."""
        if self.newest is None:
            return "there is no backup"
        if now - self.newest.time > LATE_INTERVALS * self.interval + GRACE:
            age, due = duration(now - self.newest.time), duration(self.interval)
            return f"the newest backup is {age} old; one is due every {due}"
        return ""


def parse(data: Mapping[str, str], schedule: str) -> Backups:
    """From the ConfigMap of backups and the schedule of the CronJob."""
    found = []
    for line in data.get("list", "").splitlines():
        name, size, checksum, position, source, seconds, copied = line.split()
        found.append(Backup(name, int(size), checksum, position, source, int(seconds), copied.strip("-")))
    found.sort(key=lambda backup: backup.name, reverse=True)
    return Backups(tuple(found), data.get("failure", ""), interval(schedule))


def interval(schedule: str) -> int:
    """Seconds between two runs of a crontab entry as the program writes them; a day for any other."""
    minute, hour, *days = schedule.split()
    if days == ["*", "*", "*"]:
        if hour == "*":
            every = re.fullmatch(r"\*/(\d+)", minute)
            return int(every[1]) * 60 if every else 3600
        every = re.fullmatch(r"\*/(\d+)", hour)
        if every:
            return int(every[1]) * 3600
    return 86400
