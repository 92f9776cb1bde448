"""etcd: each member as it sees itself, and the list of members as they know it."""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ops.status.machine_report import UNREADABLE, MachineReport
from settings import ports

_ALARM = re.compile(r"alarm:\s*(\w+)")


@dataclass(frozen=True)
class Member:
    """One member. Sizes in bytes; `milliseconds` is what one read through a majority took.

    `problem` says why it reports nothing; `unhealthy` why such a read failed.
    """

    name: str
    version: str = ""
    leads: bool = False
    has_leader: bool = False
    learner: bool = False
    size: int = 0
    size_in_use: int = 0
    quota: int = 0
    revision: int = 0
    milliseconds: float | None = None
    alarms: tuple[str, ...] = ()
    unhealthy: str = ""
    problem: str = ""

    @property
    def part(self) -> str:
        """Its part among the members."""
        if self.learner:
            return "learner"
        if self.leads:
            return "leader"
        return "follower" if self.has_leader else "no leader"


@dataclass(frozen=True)
class Etcd:
    """All members of the inventory. `strangers` are in etcd's list and not in the inventory, `missing` the reverse."""

    members: tuple[Member, ...] = ()
    strangers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def read(reports: Iterable[MachineReport]) -> Etcd:
    """From the JSON that etcd's gateway answers."""
    asked = list(reports)
    members = tuple(map(_member, asked))
    addresses = {f"https://{report.machine.address}:{ports.ETCD_PEERS}": report.name for report in asked}
    lists = [found for report in asked if (found := _json(report, "etcd-members"))]
    # A member that was away knows an old list: the newest is that of the highest term.
    newest = max(lists, key=lambda found: int(found["header"].get("raft_term", 0)), default=None)
    if newest is None:
        return Etcd(members)
    listed = {url: one.get("name") or url for one in newest["members"] for url in one.get("peerURLs", [])}
    strangers = sorted(name for url, name in listed.items() if url not in addresses)
    missing = sorted(name for url, name in addresses.items() if url not in listed)
    return Etcd(members, tuple(strangers), tuple(missing))


def _member(report: MachineReport) -> Member:
    try:
        status, health = _json(report, "etcd-status"), report.answer("etcd-health")
        if not status:
            return Member(report.name, problem=report.answer("etcd-status").problem or "etcd gives no status")
        leader = status.get("leader")
        member = Member(
            report.name,
            version=status.get("version", ""),
            leads=bool(leader) and leader == status["header"]["member_id"],
            has_leader=bool(leader),
            learner=bool(status.get("isLearner")),
            size=int(status.get("dbSize", 0)),
            size_in_use=int(status.get("dbSizeInUse", 0)),
            quota=int(status.get("dbSizeQuota", 0)),
            revision=int(status["header"].get("revision", 0)),
            alarms=tuple(name for error in status.get("errors") or [] for name in _ALARM.findall(error)),
        )
        if health.problem:
            return replace(member, unhealthy=health.problem)
        return replace(member, milliseconds=float(health.text))
    except UNREADABLE as error:
        return Member(report.name, problem=f"its answer cannot be read: {type(error).__name__} {error}")


def _json(report: MachineReport, question: str) -> Any:
    """The document, None when there is none."""
    with suppress(json.JSONDecodeError):
        return json.loads(report.text(question))
    return None
