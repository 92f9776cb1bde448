"""A backup in the place of all data: proven by a server of its own, taken by the primary, copied by the replicas.

The ConfigMap <set>-state has what is under way, so that an interrupted restore continues where it was:
`pending` and `generation` name the restore, `source` is present until the primary has its data.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from ops.database.backups import Backup, Backups
from ops.database.release import DatabaseError, Pod, Release
from ops.shared.cluster import ClusterError

#: Loading a large dump, or copying it, in seconds; the Jobs and the members have limits of their own.
LOAD_SECONDS = 7200.0
JOB = "restore-run"
#: As the chart's backup.sh names them: the time in UTC.
NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
#: Which restore a member's data is of: a file of the data itself, which the chart's prepare.sh writes.
GENERATION = "SELECT COALESCE(LOAD_FILE(CONCAT(@@datadir, 'openstack-paas-generation')), '')"


@dataclass(frozen=True)
class Plan:
    """What a restore will do. `resumed`: the primary has the backup already, only replicas are left."""

    backup: Backup
    generation: str
    resumed: bool
    position: str
    """The GTID of the primary; empty when it does not answer."""

    @property
    def lost(self) -> int | None:
        """Transactions since the backup; None when nobody can say."""
        if not self.position or "-" not in self.backup.position or "-" not in self.position:
            return None
        gone = int(self.position.split("-")[2]) - int(self.backup.position.split("-")[2])
        # After an earlier restore or a rebuild of the primary the numbers have jumped.
        return gone if 0 <= gone < 2**31 else None


def plan(release: Release, backups: Backups, wanted: str | None, now: float) -> Plan:
    """Raises DatabaseError when there is nothing to restore, or not what is wanted."""
    state = release.configuration("state")
    if state is None:
        raise DatabaseError("this release is too old for restores: run `pulumi up` first")
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
        position = release.query(release.database.primary, "SELECT @@gtid_current_pos")
        generation = release.query(release.database.primary, GENERATION)
    except ClusterError:
        position = generation = ""
    if pending and pending == generation and chosen.name == pending.rpartition("-")[0]:
        return Plan(chosen, pending, True, position)
    return Plan(chosen, f"{chosen.name}-{now:.0f}", False, position)


def run(release: Release, todo: Plan, say: Callable[[str], None]) -> None:
    """Raises DatabaseError or ClusterError; the next run then continues where this one ended."""
    primary = release.database.primary
    if not todo.resumed:
        source = _serve(release, todo.backup, say)
        say(f"{primary}: takes it; its present data stays on its disk until that is complete")
        release.remember(generation=todo.generation, pending=todo.generation, source=source)
        _replace(release, primary, say)
    release.remember(source=None)
    for name in release.database.replicas:
        try:
            done = release.query(name, GENERATION) == todo.generation
        except ClusterError:
            done = False
        say(f"{name}: {'has it already' if done else 'copies the primary'}")
        if not done:
            _replace(release, name, say)
    release.remember(pending=None)
    release.stop(JOB)


def _serve(release: Release, backup: Backup, say: Callable[[str], None]) -> str:
    """The address of a server that has loaded the backup."""
    say(f"{backup.name}: its checksum is compared, and a server of its own loads it")
    release.start("restore", JOB, {"BACKUP": backup.name})

    def loaded() -> str:
        pods = release.pods_of(JOB)
        failed = next((pod for pod in pods if pod.phase in ("Failed", "Succeeded")), None)
        if failed:
            raise DatabaseError(f"{backup.name} cannot be restored, nothing has changed: {_why(release, failed)}")
        return next((pod.address for pod in pods if pod.ready), "")

    return release.wait(f"{backup.name} to be loaded", loaded, LOAD_SECONDS)


def _why(release: Release, pod: Pod) -> str:
    lines = release.log(pod.name, "mariadb") or ["it left no message"]
    return next((line for line in reversed(lines) if "FAILED" in line), lines[-1])


def _replace(release: Release, name: str, say: Callable[[str], None]) -> None:
    begun = time.monotonic()
    release.replace(name, LOAD_SECONDS)
    say(f"{name}: ready after {time.monotonic() - begun:.0f} s")
