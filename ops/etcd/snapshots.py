"""Which snapshots there are: on the members and in the places off them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.etcd import remote
from ops.shared.outputs import Machine
from ops.shared.ssh import SshError

#: A snapshot older than so many intervals means that several runs in a row have failed.
LATE_INTERVALS = 3


@dataclass(frozen=True)
class Snapshot:
    """One snapshot in one place. `where` is the member that has it, or the place (s3, sftp); `time` in Unix seconds."""

    name: str
    member: str
    where: str
    time: int
    revision: int
    verified: bool
    size: int | None = None
    """Bytes; unknown off the machines."""
    keys: int | None = None
    path: str = ""
    """Below the cluster's folder, off the machines."""
    encrypted: bool = False

    @property
    def off_machine(self) -> bool:
        """Whether it survives its machine."""
        return bool(self.path)


@dataclass(frozen=True)
class Snapshots:
    """What was found. `interval` in seconds, 0 where the timer is off; `now` by the members' own clocks."""

    found: tuple[Snapshot, ...]
    problems: tuple[str, ...]
    interval: int
    now: int

    @property
    def newest(self) -> Snapshot | None:
        """The newest verified one; of the same one's places its own machine, which needs no way to it."""
        good = [snapshot for snapshot in self.found if snapshot.verified]
        return max(good, key=lambda one: (one.time, not one.off_machine), default=None)

    @property
    def late(self) -> str:
        """Why this is not good enough; empty when it is."""
        newest = self.newest
        if newest is None:
            return "there is no verified snapshot"
        if self.interval and self.now - newest.time > LATE_INTERVALS * self.interval:
            return (
                f"the newest verified snapshot is {duration(self.now - newest.time)} old, "
                f"more than {LATE_INTERVALS} intervals of {duration(self.interval)}"
            )
        return ""

    def named(self, name: str) -> Snapshot | None:
        """The one of that name, on a machine if it is on one."""
        return min((one for one in self.found if one.name == name), key=lambda one: one.off_machine, default=None)


def duration(seconds: float) -> str:
    """Two units at most: 45 s, 12 min, 3 h 20 min, 9 d."""
    minutes = int(seconds) // 60
    if minutes < 2:
        return f"{int(seconds)} s"
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d"


def parse(listings: Iterable[Mapping[str, Any]], problems: Iterable[str] = ()) -> Snapshots:
    """From what the members' etcd-backups.sh prints; every member lists the same places."""
    found: dict[tuple[str, str], Snapshot] = {}
    said = list(problems)
    interval = now = 0
    for listing in listings:
        interval, now = max(interval, listing["interval"]), max(now, listing["now"])
        for snapshot in (*_here(listing), *_there(listing)):
            found[snapshot.where, snapshot.name] = snapshot
        status = listing["status"]
        if status.get("outcome") == "failed":
            said.append(f"{listing['member']}: the last run failed at step '{status.get('step', '')}'")
        for place, content in listing["places"].items():
            if "problem" in content:
                said.append(f"{listing['member']}: {place}: {content['problem'].strip()}")
    ordered = sorted(found.values(), key=lambda one: (-one.time, one.off_machine, one.where))
    return Snapshots(tuple(ordered), tuple(dict.fromkeys(said)), interval, now)


def _here(listing: Mapping[str, Any]) -> Iterator[Snapshot]:
    for one in listing["snapshots"]:
        yield Snapshot(
            name=one["name"],
            member=one["member"],
            where=listing["member"],
            time=one["time"],
            revision=one["revision"],
            verified=one["verified"],
            size=one["size"],
            keys=one["keys"],
        )


def _there(listing: Mapping[str, Any]) -> Iterator[Snapshot]:
    for place, content in listing["places"].items():
        for one in content.get("snapshots", []):
            # Only what was verified is copied.
            yield Snapshot(
                name=one["name"],
                member=one["member"],
                where=place,
                time=one["time"],
                revision=one["revision"],
                verified=True,
                path=one["path"],
                encrypted=one["encrypted"],
            )


def collect(ssh: remote.SshAccess, members: Iterable[Machine]) -> Snapshots:
    """Asks every member; one that cannot be asked is a problem, not an error. The places are asked by the first."""
    listings: list[dict[str, Any]] = []
    problems: list[str] = []
    for member in members:
        words = " --here" if listings else ""
        try:
            listings.append(remote.read(ssh, member, f"{remote.MEMBER}/etcd-backups.sh{words}"))
        except SshError as error:
            problems.append(str(error))
    return parse(listings, problems)
