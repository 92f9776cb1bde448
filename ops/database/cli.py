"""`paas database backups|backup|restore`."""

import argparse
import sys
import time
from dataclasses import asdict
from functools import partial

from ops.database import backups, restore
from ops.database.backups import Backups
from ops.database.release import DatabaseError, Pod, Release
from ops.shared import outputs as stack_outputs
from ops.shared.backups import add_actions, confirm, duration, print_json, print_table, size
from ops.shared.cluster import Cluster, ClusterError
from ops.shared.outputs import OutputsError

#: One backup, in seconds; its Job has a limit of its own.
BACKUP_SECONDS = 7200.0
#: A restore takes minutes: each line appears at once.
say = partial(print, flush=True)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's actions and their options."""
    restore = add_actions(parser, "backup", "put a backup in the place of all data")
    restore.add_argument("--backup", metavar="NAME", help="this backup (default: the newest)")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when all is well; 1 when backups are late or something did not end. Raises OpsError when it was refused."""
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
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def show(found: Backups, as_json: bool, now: float) -> int:
    """The table or the JSON; 1 when the newest is late."""
    late, newest = found.late(now), found.newest
    if as_json:
        print_json(
            {
                "late": late,
                "failure": found.failure,
                "newest": newest.name if newest else None,
                "ageSeconds": int(now - newest.time) if newest else None,
                "intervalSeconds": found.interval,
                "backups": [{**asdict(backup), "time": backup.time, "verified": True} for backup in found.found],
            }
        )
    else:
        columns = ("backup", "age", ">size", "GTID", "from", ">took", "verified", "copied")
        rows = []
        for one in found.found:
            age, took = duration(now - one.time), duration(one.seconds)
            rows.append((one.name, age, size(one.size), one.position, one.source, took, "yes", one.copied))
        problems = [f"the last attempt failed: {found.failure}"] if found.failure else []
        print_table(columns, rows, problems, late, "The newest backup is recent.")
    return 1 if late else 0


def take(release: Release) -> int:
    """One backup now."""
    release.start("backup", "backup-now", {})

    def ended() -> list[Pod]:
        return [pod for pod in release.pods_of("backup-now") if pod.phase in ("Succeeded", "Failed")]

    pod = release.wait("the backup", ended, BACKUP_SECONDS)[0]
    last = release.log(pod.name, "backup")[-1:] or ["no message"]
    sys.stdout.write(f"{last[0]}\n")
    release.stop("backup-now")
    return 0 if pod.phase == "Succeeded" else 1


def bring_back(release: Release, found: Backups, arguments: argparse.Namespace) -> int:
    """Says what is lost, asks, restores."""
    todo = restore.plan(release, found, arguments.backup, time.time())
    for line in words(todo, time.time()):
        say(line)
    if not arguments.yes:
        confirm(f"Type the name of the backup to continue ({todo.backup.name}): ", todo.backup.name)
    begun = time.monotonic()
    try:
        restore.run(release, todo, say)
    except (DatabaseError, ClusterError) as error:
        sys.stderr.write(f"{error}\nThe restore has not finished: the same command continues it.\n")
        return 1
    say(f"restored in {time.monotonic() - begun:.0f} s")
    return 0


def words(todo: restore.Plan, now: float) -> list[str]:
    """What will happen, and what it costs."""
    if todo.resumed:
        return [f"The primary has {todo.backup.name} already; replicas that have not copied it yet do so now."]
    lost = "how many is not known" if todo.position else "how many is not known, for the primary does not answer"
    if todo.lost is not None:
        lost = f"{todo.lost} transaction{'s' * (todo.lost != 1)} by the primary's count"
    what = f"Restores {todo.backup.name}, {duration(now - todo.backup.time)} old"
    if todo.backup.size:
        what += f", {size(todo.backup.size)}, GTID {todo.backup.position}."
    else:
        what += ", which is not on the volume, from the bucket."
    return [
        what,
        f"LOST: everything that was committed since, in all databases ({lost}), users and passwords included.",
        "The database is down from the restart of the primary until it has loaded the backup.",
        "Root's and the replication's passwords stay those of the Secret.",
    ]
