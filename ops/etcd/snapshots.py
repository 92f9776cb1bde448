"""Which snapshots there are: on the members and in the places off them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.etcd import remote
from ops.shared.backups import LATE_INTERVALS, duration
from ops.shared.outputs import Machine
from ops.shared.ssh import Ssh, SshError

#: A place that does not answer is waited for.
LIST_SECONDS = 300
#: What a listing has of each snapshot, wherever it is.
_COMMON = ("name", "member", "time", "revision")


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
        """The verified one with the highest revision: a clock may be wrong.

        If it is in several places, the copy on a member, which nothing needs to fetch.
        """
        good = [snapshot for snapshot in self.found if snapshot.verified]
        return max(good, key=lambda one: (one.revision, one.time, not one.off_machine), default=None)

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


def parse(listings: Iterable[Mapping[str, Any]], problems: Iterable[str] = ()) -> Snapshots:
    """From what the members print; every member lists the same places."""
    found: dict[tuple[str, str], Snapshot] = {}
    said = list(problems)
    interval = now = 0
    for listing in listings:
        interval, now = max(interval, listing["interval"]), max(now, listing["now"])
        for snapshot in _placed(listing):
            found[snapshot.where, snapshot.name] = snapshot
        status = listing["status"]
        if status.get("outcome") == "failed":
            said.append(f"{listing['member']}: the last run failed at step '{status.get('step', '')}'")
        for place, content in listing["places"].items():
            if "problem" in content:
                said.append(f"{listing['member']}: {place}: {content['problem'].strip()}")
    ordered = sorted(found.values(), key=lambda one: (-one.time, one.off_machine, one.where))
    return Snapshots(tuple(ordered), tuple(dict.fromkeys(said)), interval, now)


def _placed(listing: Mapping[str, Any]) -> Iterator[Snapshot]:
    """On the member that lists them, then in each place off the machines, to which only verified ones are copied."""
    for one in listing["snapshots"]:
        here = {key: one[key] for key in (*_COMMON, "verified", "size", "keys")}
        yield Snapshot(where=listing["member"], **here)
    for place, content in listing["places"].items():
        for one in content.get("snapshots", []):
            there = {key: one[key] for key in (*_COMMON, "path", "encrypted")}
            yield Snapshot(where=place, verified=True, **there)


def collect(ssh: Ssh, members: Iterable[Machine]) -> Snapshots:
    """Asks every member; one that cannot be asked is a problem, not an error. The places are asked by the first."""
    listings: list[dict[str, Any]] = []
    problems: list[str] = []
    for member in members:
        here = "yes" if listings else "no"
        try:
            listings.append(remote.read(ssh, member, remote.agent("backups", "etcd", LIST_SECONDS, here=here)))
        except SshError as error:
            problems.append(str(error))
    return parse(listings, problems)
