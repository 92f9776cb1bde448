"""Room in etcd: free pages go back to the disk, one member after another, and the alarm NOSPACE goes off.

With that alarm etcd refuses what needs room: puts, leases, and so every lock; it still reads, deletes and compacts. All
of this goes without the lock then. The quota itself is a setting (etcd.quota), which a member reads when it starts.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.etcd import membership_changes
from agent.etcd.backup_settings import BackupSettings
from agent.etcd.membership import DATA
from agent.etcd.network import Network, endpoint
from agent.etcd.snapshot_proof import MIB, free_bytes
from agent.etcd_api import Etcd, EtcdError, Lock, Member, NoAnswer, Status
from agent.machine import Failed, Machine, NotYet

#: By itself a member is defragmented only from this size on, when more than half of it is free.
_LARGE_BYTES: Final = 1024 * MIB
#: A member does not answer while it is defragmented: some 10 s for each GiB on a slow disk.
_DEFRAGMENT_SECONDS: Final = 600.0
#: Each member deletes in the background, 1000 revisions at a time. It is over when so many looks find the same.
_COMPACTION_SECONDS, _SAME_LOOKS = 300.0, 4
#: The alarm goes off only when so much of the quota is free, or it would soon be back.
_FREE_PERCENT: Final = 10


@dataclass(frozen=True)
class _Seen:
    """A voter that answers."""

    member: Member
    status: Status

    @property
    def is_half_free(self) -> bool:
        return self.status.db_size > _LARGE_BYTES and 2 * self.status.db_in_use < self.status.db_size


def defragment(
    machine: Machine,
    settings: BackupSettings,
    only_where_needed: bool = False,
    snapshot: Callable[[], str] | None = None,
    network: Network | None = None,
) -> None:
    """Defragments all members, or with `only_where_needed` (the timer) those of which more than half is free.

    With the alarm NOSPACE it first takes a snapshot (`snapshot` returns why there is none) and drops the history, and
    ends the alarm at last; then the timer leaves everything to a person. Raises Failed.
    """
    room = _Room(machine, settings, network or Network(machine))
    try:
        room.run(only_where_needed, snapshot)
    except EtcdError as error:
        raise Failed(f"etcd does not do its part; this may run again: {error}") from error


def end_alarm_where_it_fits(machine: Machine, settings: BackupSettings, network: Network | None = None) -> None:
    """For `converge`, after a restart that may have raised the quota: ends the alarm NOSPACE where there is room now.

    Says what to do where there is none, or etcd does not answer; nothing is dropped without a person's word. A member
    that still has the old quota puts the alarm on again, and the run that changes it ends it.
    """
    room = _Room(machine, settings, network or Network(machine))
    try:
        if "NOSPACE" in room.alarms():
            room.end_alarm()
    except (EtcdError, Failed) as error:
        machine.log(f"the alarm NOSPACE is not ended, `paas etcd defragment` does more: {error}")


class _Room:
    def __init__(self, machine: Machine, settings: BackupSettings, network: Network) -> None:
        self.machine, self.settings, self.network = machine, settings, network
        self.etcd = network.api(*(one.client_url for one in settings.members))

    def alarms(self) -> set[str]:
        return {kind for _, kind in self.etcd.alarms()}

    def run(self, only_where_needed: bool, snapshot: Callable[[], str] | None) -> None:
        alarms = self.alarms()
        if "CORRUPT" in alarms:
            raise Failed("etcd has the alarm CORRUPT: a member's data is damaged. Replace that member first")
        if only_where_needed and "NOSPACE" in alarms:
            self.machine.log("the alarm NOSPACE is on: `paas etcd defragment` compacts, defragments and ends it")
        elif only_where_needed and not any(one.is_half_free for one in self._healthy_voters()):
            self.machine.log("no member has more than half of a large database free")
        elif "NOSPACE" in alarms:
            self._run_full(snapshot)
        else:
            with self.etcd.lock(membership_changes.LOCK, membership_changes.LOCK_SECONDS) as lock:
                self._all(lock, only_where_needed)

    def _run_full(self, snapshot: Callable[[], str] | None) -> None:
        self.machine.log("the alarm NOSPACE is on, so there is no lock: nothing else may change members meanwhile")
        _, away = self._voters()
        if away:
            # Writes are refused anyway: what answers can be helped.
            self.machine.log(f"without those that are not healthy: {', '.join(away)}")
        if snapshot and (problem := snapshot()):
            self.machine.log(f"no snapshot was taken, the history is dropped without one: {problem}")
        self._compact()
        self._all(None, False)
        self.end_alarm()

    def _voters(self) -> tuple[list[_Seen], list[str]]:
        """The voters that answer, the leader last, and what is known of those that do not."""
        seen: list[_Seen] = []
        away: list[str] = []
        for member in self.etcd.members():
            if member.is_learner:
                continue
            try:
                seen.append(_Seen(member, self._healthy_status(member)))
            except EtcdError as error:
                away.append(f"{member.name or f'{member.id:x}'} ({error})")
        return sorted(seen, key=lambda one: one.status.leads), away

    def _healthy_voters(self) -> list[_Seen]:
        """All of them. Raises Failed when one does not answer."""
        voters, away = self._voters()
        if away:
            raise Failed(
                f"not healthy: {', '.join(away)}. A member does not answer while it is defragmented, and together with "
                "another one the majority could be lost: nothing is defragmented"
            )
        return voters

    def _at(self, member: Member, seconds: float = 5.0) -> Etcd:
        if not member.client_urls:
            raise NoAnswer("it has never started")
        return self.network.api(member.client_urls[0], seconds=seconds)

    def _healthy_status(self, member: Member) -> Status:
        client = self._at(member)
        client.check_health()
        return client.status()

    def _compact(self) -> None:
        """Drops the history. Clients that ask for an earlier revision read everything again."""
        revision = max((one.status.revision for one in self._voters()[0]), default=0)
        if not revision:
            raise Failed("no member answers with a majority: nothing can be compacted")
        self.etcd.compact(revision)
        self.machine.log(f"the history up to revision {revision} is dropped")
        looks: list[tuple[int, ...]] = []

        def settled() -> None:
            looks.append(tuple(one.status.db_in_use for one in self._voters()[0]))
            if len(looks) < _SAME_LOOKS or len(set(looks[-_SAME_LOOKS:])) > 1:
                raise NotYet(f"in use: {', '.join(f'{size // MIB} MiB' for size in looks[-1])}")

        try:
            self.machine.retry_until(_COMPACTION_SECONDS, "the end of the compaction", settled)
        except Failed as failed:
            # What is free by then is given back all the same.
            self.machine.log(str(failed))

    def _all(self, lock: Lock | None, only_where_needed: bool) -> None:
        done: set[int] = set()
        while True:
            # Looked at again before each: the lead may have moved.
            voters = self._healthy_voters() if lock else self._voters()[0]
            rest = (one for one in voters if one.member.id not in done and (one.is_half_free or not only_where_needed))
            one = next(rest, None)
            if one is None:
                return
            if lock:
                lock.check()
            if one.status.leads:
                self._give_lead_away(one, voters)
            self._one(one)
            done.add(one.member.id)

    def _give_lead_away(self, leader: _Seen, voters: Sequence[_Seen]) -> None:
        other = next((one for one in voters if not one.status.leads), None)
        if other is None:
            return
        with contextlib.suppress(EtcdError):
            self._at(leader.member).move_leader(other.member.id)
            self.machine.log(f"{leader.member.name} gave the lead to {other.member.name}")

    def _one(self, one: _Seen) -> None:
        self._check_disk(one)
        name, began = one.member.name, self.machine.clock.monotonic()
        try:
            self._at(one.member, _DEFRAGMENT_SECONDS).defragment()
        except NoAnswer as error:
            # It may be about to end.
            self.machine.log(f"{name} has not said that it is defragmented: {error}")

        def works() -> Status:
            try:
                return self._healthy_status(one.member)
            except EtcdError as error:
                raise NotYet(str(error)) from error

        after = self.machine.retry_until(_DEFRAGMENT_SECONDS, f"{name} to answer after it was defragmented", works)
        self.machine.log(
            f"{name} defragmented in {self.machine.clock.monotonic() - began:.1f} s: "
            f"{one.status.db_size // MIB} MiB became {after.db_size // MIB} MiB"
        )

    def _check_disk(self, one: _Seen) -> None:
        """etcd writes a second database beside the first. Only this machine's own disk can be seen from here."""
        if endpoint(self.settings.address) not in one.member.client_urls:
            return
        free, needed = free_bytes(self.machine.path(DATA)), one.status.db_in_use + 64 * MIB
        if free < needed:
            raise Failed(
                f"{DATA} has {free // MIB} MiB free, and defragmenting needs {needed // MIB} MiB: free some first"
            )

    def end_alarm(self) -> None:
        """Ends it, unless it would soon be back. Raises Failed then, and EtcdError."""
        voters, _ = self._voters()
        if not voters:
            raise Failed("no member answers with a majority")
        largest = max(voters, key=lambda one: one.status.db_size)
        size, quota = largest.status.db_size, self.settings.quota_bytes
        if size * 100 > quota * (100 - _FREE_PERCENT):
            raise Failed(
                f"what {largest.member.name} holds needs {size // MIB} MiB of its quota of {quota // MIB} MiB, so the "
                "alarm would come back, and it stays on: delete what is too much and run this again, or raise "
                "etcd.quota and run `pulumi up`"
            )
        self.etcd.disarm()
        if "NOSPACE" in self.alarms():
            raise Failed("the alarm NOSPACE is still on, or is on again: something writes more than there is room for")
        self.machine.log("the alarm NOSPACE is off: etcd takes writes again")
