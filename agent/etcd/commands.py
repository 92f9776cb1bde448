"""What timers, people and `ops` call on a member: snapshots and their list, a restore's parts, room in the database.

All of them read the saved desired state. What programs read is JSON on standard output.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from agent.command import Command, Options
from agent.etcd import backup, defragment, restore
from agent.etcd.backup_copies import listing
from agent.etcd.backup_settings import BackupSettings
from agent.machine import Failed, Machine


def snapshot(machine: Machine, settings: BackupSettings, options: Options) -> None:
    """Takes one: reason=WORD (manual), from=ADDRESS of another member, copies=no."""
    copies, reason = _yes(options, "copies", True), options.get("reason", "manual")
    backup.take(machine, settings, reason, options.get("from", ""), copies)


def backups(machine: Machine, settings: BackupSettings, options: Options) -> None:
    """Prints what snapshots there are; here=yes leaves the places off this machine out."""
    _print(listing(machine, settings, _yes(options, "here", False)))


def restore_part(machine: Machine, settings: BackupSettings, options: Options) -> None:
    """One part of a restore, step=look|stop|snapshot|place|empty|finish, with what it needs on standard input."""
    step = options.get("step", "")
    given = sys.stdin.read() if step in ("stop", "snapshot") and not sys.stdin.isatty() else ""
    printed = restore.run(machine, settings, step, given)
    if printed is not None:
        _print(printed)


def defragment_members(machine: Machine, settings: BackupSettings, options: Options) -> None:
    """Gives free room back where much is free; with force=yes on every member, and then it ends the alarm NOSPACE."""
    force = _yes(options, "force", False)
    machine.step_name = "defragment"
    defragment.defragment(
        machine,
        settings,
        only_where_needed=not force,
        snapshot=lambda: backup.take_before_change(machine, settings, "defragment", seconds=1200),
    )


def commands(state: type[Any]) -> dict[str, Command[Any]]:
    """Those of a role whose desired state has `backups`. They run beside others; a part of a restore locks itself."""

    def command(run: Callable[[Machine, BackupSettings, Options], None], *options: str) -> Command[Any]:
        def run_with_backups(machine: Machine, state: Any, given: Options) -> None:
            run(machine, state.backups, given)

        return Command(state, run_with_backups, alone=False, saved=True, options=options)

    return {
        "snapshot": command(snapshot, "reason", "copies", "from"),
        "backups": command(backups, "here"),
        "restore": command(restore_part, "step"),
        "defragment": command(defragment_members, "force"),
    }


def _yes(options: Options, key: str, default: bool) -> bool:
    word = options.get(key, "yes" if default else "no")
    if word not in ("yes", "no"):
        raise Failed(f"{key} is yes or no, not '{word}'")
    return word == "yes"


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2))
