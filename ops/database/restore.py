"""A backup in the place of all data: proven by a server of its own, taken by the primary, copied by the replicas.

What is under way stands in the ConfigMap <set>-state, so that an interrupted restore goes on where it was:
`pending` and `generation` name the restore, `source` is there until the primary has its data.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ops.database.backups import Backup, Backups
from ops.database.release import DatabaseError, Pod
from ops.shared.cluster import ClusterError
from ops.shared.outputs import Database

#: Loading a large dump, or copying it, in seconds; the Jobs and the members have limits of their own.
LOAD_SECONDS = 7200.0
JOB = "restore-run"
#: As the chart's backup.sh names them: the time in UTC.
NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
#: Which restore a member's data is of: a file of the data itself, which the chart's prepare.sh writes.
GENERATION = "SELECT COALESCE(LOAD_FILE(CONCAT(@@datadir, 'openstack-paas-generation')), '')"


class Members(Protocol):
    """What a restore needs of the cluster (ops.database.release.Release)."""

    database: Database

    def configuration(self, name: str) -> dict[str, str] | None: ...
    def remember(self, **state: str | None) -> None: ...
    def start(self, cron: str, job: str, environment: Mapping[str, str]) -> None: ...
    def stop(self, job: str) -> None: ...
    def pods_of(self, job: str) -> list[Pod]: ...
    def replace(self, name: str, seconds: float) -> None: ...
    def log(self, pod: str, container: str) -> str: ...
    def query(self, pod: str, statement: str) -> str: ...
    def wait(self, what: str, done: Callable[[], bool], seconds: float) -> None: ...


@dataclass(frozen=True)
class Plan:
    """What a restore will do. `resumed`: the primary has the backup already, only replicas are left."""

    backup: Backup
    generation: str
    resumed: bool
    position: str
    """Where the primary stands; empty when it does not answer."""

    @property
    def lost(self) -> int | None:
        """Transactions since the backup; None when nobody can say."""
        if not self.position or "-" not in self.backup.position or "-" not in self.position:
            return None
        gone = int(self.position.split("-")[2]) - int(self.backup.position.split("-")[2])
        # After an earlier restore or a rebuild of the primary the numbers have jumped.
        return gone if 0 <= gone < 2**31 else None


def plan(members: Members, backups: Backups, wanted: str | None, now: float) -> Plan:
    """Raises DatabaseError when there is nothing to restore, or not what is wanted."""
    state = members.configuration("state")
    if state is None:
        raise DatabaseError("this release is from before restores: run `pulumi up` first")
    pending = state.get("pending", "")
    name = wanted or pending.rpartition("-")[0]
    chosen = next((backup for backup in backups.found if backup.name == name), None) if name else backups.newest
    if chosen is None and wanted and NAME.fullmatch(wanted):
        # Not on the volume; where there is a bucket, the restoring pod looks there.
        chosen = Backup(wanted, 0, "", "unknown", "", 0)
    if chosen is None:
        known = ", ".join(backup.name for backup in backups.found) or "none"
        raise DatabaseError(f"there is no backup {name or 'yet'}; there are: {known}")
    try:
        position = members.query(members.database.primary, "SELECT @@gtid_current_pos")
        generation = members.query(members.database.primary, GENERATION)
    except ClusterError:
        position = generation = ""
    if pending and pending == generation and chosen.name == pending.rpartition("-")[0]:
        return Plan(chosen, pending, True, position)
    return Plan(chosen, f"{chosen.name}-{now:.0f}", False, position)


def run(members: Members, todo: Plan, say: Callable[[str], None]) -> None:
    """Raises DatabaseError or ClusterError; started again it goes on."""
    database = members.database
    if not todo.resumed:
        source = _serve(members, todo.backup, say)
        say(f"{database.primary}: takes it; what it has stays on its disk until that is whole")
        members.remember(generation=todo.generation, pending=todo.generation, source=source)
        _timed(members, database.primary, say)
    members.remember(source=None)
    _replicas(members, database.replicas, todo.generation, say)
    members.remember(pending=None)
    members.stop(JOB)


def _serve(members: Members, backup: Backup, say: Callable[[str], None]) -> str:
    """The address of a server that has loaded the backup."""
    say(f"{backup.name}: its checksum is compared, and a server of its own loads it")
    members.start("restore", JOB, {"BACKUP": backup.name})

    def loaded() -> bool:
        pods = members.pods_of(JOB)
        failed = next((pod for pod in pods if pod.phase in ("Failed", "Succeeded")), None)
        if failed:
            raise DatabaseError(f"{backup.name} cannot be restored, nothing has changed: {_why(members, failed)}")
        return any(pod.ready for pod in pods)

    members.wait(f"{backup.name} to be loaded", loaded, LOAD_SECONDS)
    return next(pod.address for pod in members.pods_of(JOB) if pod.ready)


def _why(members: Members, pod: Pod) -> str:
    lines = members.log(pod.name, "mariadb").splitlines()
    return next((line for line in reversed(lines) if "FAILED" in line), lines[-1] if lines else "it left no word")


def _replicas(members: Members, names: Sequence[str], generation: str, say: Callable[[str], None]) -> None:
    for name in names:
        try:
            done = members.query(name, GENERATION) == generation
        except ClusterError:
            done = False
        if done:
            say(f"{name}: has it already")
        else:
            say(f"{name}: copies the primary")
            _timed(members, name, say)


def _timed(members: Members, name: str, say: Callable[[str], None]) -> None:
    begun = time.monotonic()
    members.replace(name, LOAD_SECONDS)
    say(f"{name}: ready after {time.monotonic() - begun:.0f} s")
