"""`paas etcd backups|snapshot|restore|defragment`."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from ops.etcd import remote, snapshots
from ops.etcd.kubernetes_check import Follow
from ops.etcd.plan import Plan, RestoreError
from ops.etcd.restore import Restore, Survey, choose, survey
from ops.etcd.snapshots import Snapshots
from ops.shared import outputs as stack_outputs
from ops.shared.backups import add_actions, confirm, duration, print_json, print_table, size
from ops.shared.cluster import Cluster, ClusterError
from ops.shared.outputs import Outputs, OutputsError
from ops.shared.ssh import Ssh, SshError


def add(parser: argparse.ArgumentParser) -> None:
    """The command's actions and their options."""
    more = {"defragment": "give free room back, member by member, and end the alarm NOSPACE"}
    restore = add_actions(parser, "snapshot", "bring etcd back from lost data or a lost majority", more)
    restore.add_argument("--snapshot", metavar="NAME", help="this snapshot (default: the newest data that there is)")
    restore.add_argument("--identity", type=Path, metavar="FILE", help="age identity, for an encrypted snapshot")
    restore.add_argument(
        "--gone", action="append", default=[], metavar="MEMBER", help="this machine will never come back (repeatable)"
    )
    restore.add_argument("--json", action="store_true", help="print what was done and how long it took as JSON")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when all is well; 1 when snapshots are late or a restore did not end. Raises OpsError when it was refused."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    if not outputs.role("etcd"):
        raise OutputsError("this stack has no members of etcd")
    with Ssh(outputs) as ssh:
        if arguments.action == "backups":
            return _backups(snapshots.collect(ssh, outputs.role("etcd")), arguments.json)
        if arguments.action == "snapshot":
            return _snapshot(outputs, ssh)
        if arguments.action == "defragment":
            sys.stdout.write(defragment(outputs, ssh))
            return 0
        return _restore(outputs, ssh, arguments)


def _backups(found: Snapshots, as_json: bool) -> int:
    if as_json:
        newest = found.newest
        print_json(
            {
                "late": found.late,
                "newest": asdict(newest) if newest else None,
                "ageSeconds": found.now - newest.time if newest else None,
                "intervalSeconds": found.interval,
                "problems": found.problems,
                "snapshots": [asdict(snapshot) for snapshot in found.found],
            }
        )
    else:
        columns = ("where", "snapshot", "age", ">revision", ">keys", ">size", "verified")
        problems = [f"problem: {problem}" for problem in found.problems]
        print_table(columns, _rows(found), problems, found.late, "The newest verified snapshot is recent.")
    return 1 if found.late else 0


def _rows(found: Snapshots) -> Iterator[tuple[str, ...]]:
    for one in found.found:
        yield (
            one.where if not one.off_machine else f"{one.where}: {one.member}",
            one.name,
            duration(found.now - one.time),
            str(one.revision),
            "" if one.keys is None else str(one.keys),
            "" if one.size is None else size(one.size),
            ("yes" if one.verified else "[red]NO[/red]") + (", encrypted" if one.encrypted else ""),
        )


def _snapshot(outputs: Outputs, ssh: Ssh) -> int:
    """One now, on the first member that takes one: a learner, or a member that is away, does not."""
    refused: list[str] = []
    for member in outputs.role("etcd"):
        try:
            printed = remote.call(ssh, member, remote.agent("snapshot", "etcd", remote.SNAPSHOT_SECONDS))
        except SshError as error:
            refused.append(str(error))
            continue
        last = printed.strip().splitlines()[-1]
        if "verified" in last:
            sys.stdout.write(f"{member.name}: {last}\n")
            return 0
        refused.append(f"{member.name}: {last}")
    _say("\n  ".join(["no member took a snapshot:", *refused]))
    return 1


def defragment(outputs: Outputs, ssh: Ssh) -> str:
    """Has the first member that can be reached defragment all, and end the alarm NOSPACE; returns what it says.

    Raises SshError.
    """
    unreached: list[str] = []
    for member in outputs.role("etcd"):
        try:
            ssh.client(member)
        except SshError as error:
            unreached.append(str(error))
            continue
        return remote.call(ssh, member, remote.agent("defragment", "etcd", remote.DEFRAGMENT_SECONDS, force="yes"))
    raise SshError("\n  ".join(["no member can be reached:", *unreached]))


def _restore(outputs: Outputs, ssh: Ssh, arguments: argparse.Namespace) -> int:
    found = survey(outputs, ssh)
    for problem in found.problems:
        _say(f"not reached: {problem}")
    chosen = choose(outputs, ssh, found, arguments.gone, arguments.snapshot or "")
    key = _identity(chosen, arguments.identity)
    _explain(chosen, found)
    if not arguments.yes:
        confirm("Restore? Type yes: ", "yes")
    restore = Restore(outputs, ssh, Follow(Cluster(outputs)), chosen, found, _say, key)
    problem = ""
    try:
        restore.run()
    except (SshError, ClusterError) as error:
        problem = str(error)
    total = sum(restore.seconds.values())
    if arguments.json:
        report = {"id": chosen.id, "what": chosen.what, "lost": chosen.lost, "seconds": restore.seconds}
        print_json(report | {"totalSeconds": round(total, 1), "problem": problem})
    if problem:
        _say(f"{problem}\nThe restore has not finished: `paas etcd restore` continues it.")
        return 1
    _say(f"restored in {total:.0f} s; the old data is kept in /var/lib/etcd/aside-{chosen.id}")
    if found.away:
        _say(f"not present: {', '.join(found.away)}; `pulumi up --refresh` recreates them, then they join")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _identity(chosen: Plan, file: Path | None) -> str:
    """The age identity, read here and given to age on the member alone."""
    if not chosen.encrypted:
        return ""
    if file is None:
        raise RestoreError("the snapshot is encrypted: give the file with your age identity by --identity FILE")
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RestoreError(f"the age identity cannot be read: {error}") from error


def _explain(chosen: Plan, found: Survey) -> None:
    for member in found.members.values():
        state = "with a majority" if member.healthy else "running, without a majority" if member.active else "stopped"
        data = f"data up to revision {member.revision}" if member.data else "no data"
        _say(f"{member.name}: {state}, {data}{', ' + member.stage if member.stage else ''}")
    _say(f"{'Continuing' if chosen.resumed else 'To be restored'}: {chosen.what}")
    _say(f"This loses: {chosen.lost}")
    _say(f"First on {chosen.first}; API servers and all members stop during the restore. Nothing is deleted.")
