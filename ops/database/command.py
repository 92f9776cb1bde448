"""`paas database backups|backup|restore`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict

from rich.table import Table

from ops.database import backups, restore
from ops.database.backups import Backups, duration
from ops.database.release import DatabaseError, Release
from ops.shared import outputs as stack_outputs
from ops.shared.cluster import Cluster, ClusterError
from ops.shared.options import console
from ops.shared.outputs import OutputsError

#: One backup, in seconds; its Job has a limit of its own.
BACKUP_SECONDS = 7200.0


def run(arguments: argparse.Namespace) -> int:
    """0 when all is well; 1 when backups are late or something did not end; 2 when it was refused."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    if outputs.database is None:
        raise OutputsError("this stack has no database")
    release = Release(Cluster(outputs), outputs.database)
    try:
        if arguments.action == "backup":
            return take(release)
        found = backups.parse(release.configuration("backups") or {}, release.schedule())
        if arguments.action == "backups":
            return show(found, arguments.json, time.time())
        return bring_back(release, found, arguments)
    except (DatabaseError, ClusterError) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, DatabaseError) else 1


def say(line: str) -> None:
    """One line at once: a restore takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def show(found: Backups, as_json: bool, now: float) -> int:
    """The table or the JSON; 1 when the newest is late."""
    late, newest = found.late(now), found.newest
    if as_json:
        document = {
            "late": late,
            "failure": found.failure,
            "newest": newest.name if newest else None,
            "ageSeconds": int(now - newest.time) if newest else None,
            "intervalSeconds": found.interval,
            "backups": [{**asdict(backup), "time": backup.time, "verified": True} for backup in found.found],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return 1 if late else 0
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("backup", "age", "size", "GTID", "from", "took", "verified", "copied"):
        table.add_column(column, justify="right" if column in ("size", "took") else "left", no_wrap=True)
    for backup in found.found:
        size, took = f"{backup.size / 2**20:.1f} MiB", duration(backup.seconds)
        table.add_row(
            backup.name, duration(now - backup.time), size, backup.position, backup.source, took, "yes", backup.copied
        )
    screen = console(140)
    screen.print(table)
    if found.failure:
        screen.print(f"the last attempt failed: {found.failure}", style="yellow", markup=False)
    screen.print(late or "The newest backup is recent.", style="bold red" if late else "green")
    return 1 if late else 0


def take(release: Release) -> int:
    """One backup now."""
    release.start("backup", "backup-now", {})

    def ended() -> bool:
        return any(pod.phase in ("Succeeded", "Failed") for pod in release.pods_of("backup-now"))

    release.wait("the backup", ended, BACKUP_SECONDS)
    pod = next(pod for pod in release.pods_of("backup-now") if pod.phase in ("Succeeded", "Failed"))
    last = release.log(pod.name, "backup").splitlines()
    sys.stdout.write(f"{last[-1] if last else 'no word'}\n")
    release.stop("backup-now")
    return 0 if pod.phase == "Succeeded" else 1


def bring_back(release: Release, found: Backups, arguments: argparse.Namespace) -> int:
    """Says what is lost, asks, restores."""
    todo = restore.plan(release, found, arguments.backup, time.time())
    for line in words(todo, time.time()):
        say(line)
    if not arguments.yes:
        if not sys.stdin.isatty():
            raise DatabaseError("not restored: nobody can be asked here; --yes answers")
        if input(f"Type the name of the backup to go on ({todo.backup.name}): ").strip() != todo.backup.name:
            raise DatabaseError("not restored")
    begun = time.monotonic()
    try:
        restore.run(release, todo, say)
    except (DatabaseError, ClusterError) as error:
        sys.stderr.write(f"{error}\nThe restore has not finished: the same command continues it.\n")
        return 1
    sys.stdout.write(f"restored in {time.monotonic() - begun:.0f} s\n")
    return 0


def words(todo: restore.Plan, now: float) -> list[str]:
    """What will happen, and what it costs."""
    if todo.resumed:
        return [f"The primary has {todo.backup.name} already; replicas that have not copied it yet do so now."]
    age = duration(now - todo.backup.time)
    lost = "how many is not known, for the primary does not answer" if not todo.position else "how many is not known"
    if todo.lost is not None:
        lost = f"{todo.lost} transaction{'s' * (todo.lost != 1)} by the primary's count"
    if not todo.backup.size:
        what = f"Restores {todo.backup.name}, {age} old, which is not on the volume, from the bucket."
    else:
        size = f"{todo.backup.size / 2**20:.1f} MiB"
        what = f"Restores {todo.backup.name}, {age} old, {size}, GTID {todo.backup.position}."
    return [
        what,
        f"LOST: everything that was committed since, in all databases ({lost}), users and passwords included.",
        "The database is away from when the primary restarts until it has loaded the backup.",
        "Root's and the replication's passwords stay those of the Secret.",
    ]
