"""One snapshot of etcd: proven by restoring it, kept by tiers, copied off the machine."""

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.etcd import scratch as scratch_etcd
from agent.etcd.backup_copies import Copies, CopyError
from agent.etcd.backup_record import Description, Outcome, Store, name_of
from agent.etcd.backup_settings import BackupSettings
from agent.etcd.network import Network, endpoint
from agent.etcd.snapshot_proof import Proof, TimeLimit, prove
from agent.etcd_api import EtcdError
from agent.machine import Failed, Machine

#: Of the whole run, copies of what was missed before included; the limit of the command is longer.
SECONDS: Final = 2600.0


def take(
    machine: Machine,
    settings: BackupSettings,
    reason: str = "timer",
    source: str = "",
    copies: bool = True,
    seconds: float = SECONDS,
    network: Network | None = None,
) -> Description | None:
    """Takes one, of this machine's member or of the one at `source`; None of a learner. Raises Failed, also when the
    snapshot is good and copies of it are missing."""
    if not re.fullmatch("[a-z]+", reason):
        raise Failed(f"a reason is a word of lower-case letters, not '{reason}'")
    limit = TimeLimit(machine.clock, seconds, "the snapshot")
    return _Run(machine, settings, network or Network(machine), reason, source or settings.address, limit).run(copies)


def take_before_change(
    machine: Machine,
    settings: BackupSettings,
    reason: str,
    source: str = "",
    seconds: float = 300,
    network: Network | None = None,
) -> str:
    """Why there is none, empty when there is one. It is part of another run, whose step it leaves as it is, and is not
    copied, which takes long."""
    before = machine.step_name, machine.unit, machine.log_file
    try:
        taken = take(machine, settings, reason, source, copies=False, seconds=seconds, network=network)
    except Failed as failed:
        return f"{machine.step_name}: {failed}"
    finally:
        machine.step_name, machine.unit, machine.log_file = before
    return "" if taken else "the member is a learner"


class _Run:
    def __init__(
        self, machine: Machine, settings: BackupSettings, network: Network, reason: str, source: str, limit: TimeLimit
    ) -> None:
        self.machine, self.settings, self.network = machine, settings, network
        self.reason, self.source, self.limit = reason, source, limit
        self.store, self.outcome = Store(machine), Outcome()
        self.member = network.api(endpoint(source))

    def run(self, copies: bool) -> Description | None:
        step = self.machine.step
        with contextlib.ExitStack() as stack:
            scratch = step("preparation", lambda: stack.enter_context(self._prepared()))
            version = step("member", self._look_at_member)
            if not version:
                self.outcome.skipped = True
                self.machine.log(
                    f"the member at {self.source} is a learner, which has not caught up: it gives no snapshot"
                )
                return None
            file = scratch / "snapshot.db"
            time = step("snapshot", lambda: self._take(file))
            proof = step("proof", lambda: self._prove(scratch, file))
            taken = step("record", lambda: self._record(file, time, version, proof))
            if proof.problem:
                raise Failed(f"the snapshot {taken.name} is no good: {proof.problem}")
            step("tiers", lambda: self.store.forget_old(self.settings.keep))
            if copies:
                step("copies", lambda: self._copy_away(scratch))
            self.outcome.taken = True
            self.machine.step_name = "backup"
            # `ops` shows this line, the last one.
            self.machine.log(
                f"{taken.name}: revision {taken.revision}, {taken.keys} keys, {taken.size} bytes, verified"
            )
            return taken

    @contextlib.contextmanager
    def _prepared(self) -> Iterator[Path]:
        with self.store.locked(self.limit.left()):
            try:
                with scratch_etcd.folder(self.store.folder) as scratch:
                    yield scratch
            finally:
                try:
                    self.store.write_outcome(self.outcome)
                except OSError as error:
                    # On a full disk; why the run failed matters more.
                    self.machine.log(f"how this run ended cannot be noted: {error}")

    def _look_at_member(self) -> str:
        """The version of etcd there; empty for a learner, which may lack what the cluster has acknowledged."""
        try:
            status = self.member.status()
        except EtcdError as error:
            raise Failed(f"no etcd answers at {self.source}, so there is no snapshot: {error}") from error
        if status.is_learner:
            return ""
        try:
            # A read of a key: an alarm such as NOSPACE stops writes alone.
            self.member.check_health()
        except EtcdError as error:
            raise Failed(
                f"the member at {self.source} has no majority behind it, so it may be behind: no snapshot ({error})"
            ) from error
        if status.errors:
            self.machine.log(f"a snapshot all the same: the member says {', '.join(status.errors)}")
        self.store.make_room(self.settings.keep, status.db_size)
        return status.version

    def _take(self, file: Path) -> int:
        """When it was begun, in seconds since 1970."""
        time = int(self.machine.clock.now().timestamp())
        try:
            self.member.save_snapshot(file)
        except (EtcdError, OSError) as error:
            raise Failed(f"the member at {self.source} gave no snapshot: {error}") from error
        return time

    def _prove(self, scratch: Path, file: Path) -> Proof:
        proof = prove(self.machine, self.network, scratch, file, self.settings.quota_bytes, self.limit)
        return proof if proof.problem else dataclasses.replace(proof, problem=self._difference(proof))

    def _difference(self, proof: Proof) -> str:
        """How it differs from what the member itself has at that revision, unless that cannot be known any more."""
        said = f"the member at {self.source} has {{}} at revision {proof.revision}, the snapshot {{}}"
        try:
            there = self.member.hash_kv(proof.revision)
            if there.compact_revision != proof.compacted:
                self.machine.log("the member has compacted its history since then: not compared with it")
                return ""
            if there.hash != proof.hash:
                return said.format(f"the hash {there.hash}", proof.hash)
            keys = self.member.count(proof.revision)
        except EtcdError as error:
            self.machine.log(f"not compared with the member, which does not say what it has: {error}")
            return ""
        return "" if keys == proof.keys else said.format(f"{keys} keys", proof.keys)

    def _record(self, file: Path, time: int, version: str, proof: Proof) -> Description:
        description = record(self.store, file, self.settings, time, self.reason, version, self.source, proof)
        self.outcome.verified, self.outcome.size = description.verified, description.size
        return description

    def _copy_away(self, scratch: Path) -> None:
        copies, missing = Copies(self.machine, self.settings), []
        for place in self.settings.places:
            try:
                self.limit.left()
                copies.bring_in_line(place, self.store, scratch)
            except CopyError as error:
                self.machine.log(f"not copied to {place.name}: {' '.join(str(error).split())}")
                missing.append(place.name)
            else:
                self.outcome.copied.append(place.name)
        if missing:
            where = " and ".join(missing)
            raise Failed(f"the snapshot is on this machine and verified, but copies did not get to {where} (see above)")


def record(
    store: Store, file: Path, settings: BackupSettings, time: int, reason: str, version: str, source: str, proof: Proof
) -> Description:
    """Keeps a snapshot that has been through its proof."""
    description = Description(
        name=name_of(time, proof.revision, reason),
        time=time,
        reason=reason,
        revision=proof.revision,
        verified=not proof.problem,
        member=settings.name,
        cluster=settings.cluster,
        keys=proof.keys,
        hash=proof.hash,
        size=file.stat().st_size,
        etcd=version,
        source=source,
        problem=proof.problem,
    )
    store.add(file, description)
    return description
