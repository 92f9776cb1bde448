"""etcd: each member as it sees itself, and the list of members as they know it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ops.status.machine_report import Answer, MachineReport
from settings import ports

_UNITS = {"µs": 1e-3, "us": 1e-3, "ms": 1.0, "m": 60e3, "s": 1e3}
_ALARM = re.compile(r"alarm:\s*(\w+)")


@dataclass(frozen=True)
class Member:
    """One member. Sizes in bytes; `milliseconds` is what one read through a majority took.

    `problem` says why it does not tell anything; `unhealthy` why such a read failed.
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
        """What it is to the others."""
        if self.problem:
            return "not known"
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


def read(looks: Iterable[MachineReport]) -> Etcd:
    """From etcdctl's JSON."""
    asked = list(looks)
    members = tuple(_member(look) for look in asked)
    addresses = {f"https://{look.machine.address}:{ports.ETCD_PEERS}": look.name for look in asked}
    lists = [found for look in asked if (found := _json(look.answer("etcd-members")))]
    # A member that was away knows an old list: the newest is that of the highest term.
    newest = max(lists, key=lambda found: int(found["header"].get("raft_term", 0)), default=None)
    if newest is None:
        return Etcd(members)
    listed = {url: one.get("name") or url for one in newest["members"] for url in one.get("peerURLs", [])}
    return Etcd(
        members,
        tuple(sorted(name for url, name in listed.items() if url not in addresses)),
        tuple(sorted(name for url, name in addresses.items() if url not in listed)),
    )


def _member(look: MachineReport) -> Member:
    try:
        return _read_member(look)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        return Member(look.name, problem=f"its answer cannot be read: {type(error).__name__} {error}")


def _read_member(look: MachineReport) -> Member:
    answer = look.answer("etcd-status")
    found = _json(answer)
    if not found:
        return Member(look.name, problem=answer.problem or "etcd does not tell its status")
    status = found[0]["Status"]
    member = Member(
        look.name,
        version=status.get("version", ""),
        leads=bool(status.get("leader")) and status["leader"] == status["header"]["member_id"],
        has_leader=bool(status.get("leader")),
        learner=bool(status.get("isLearner")),
        size=int(status.get("dbSize", 0)),
        size_in_use=int(status.get("dbSizeInUse", 0)),
        quota=int(status.get("dbSizeQuota", 0)),
        revision=int(status["header"].get("revision", 0)),
        alarms=tuple(name for error in status.get("errors") or [] for name in _ALARM.findall(error)),
    )
    health = _json(look.answer("etcd-health"))
    if not health:
        return replace(member, unhealthy=look.answer("etcd-health").problem or "its health is not known")
    if not health[0].get("health"):
        return replace(member, unhealthy=health[0].get("error") or "it is unhealthy")
    return replace(member, milliseconds=milliseconds(health[0].get("took", "")))


def _json(answer: Answer) -> Any:
    """The document, None where there is none. etcdctl's own log lines may come before it."""
    if answer.problem:
        return None
    for line in reversed(answer.text.splitlines()):
        try:
            document = json.loads(line)
        except json.JSONDecodeError:
            continue
        # A log line is an object with a level.
        if not isinstance(document, Mapping) or "level" not in document:
            return document
    return None


def milliseconds(text: str) -> float | None:
    """Go's way to write a duration (62.5ms, 1.2s, 1m2.5s); None for none."""
    parts = re.findall(r"([\d.]+)(µs|us|ms|m|s)", text)
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts), 3) if parts else None
