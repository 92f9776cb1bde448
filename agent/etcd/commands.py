"""What timers, people and `ops` call on a member: snapshots and their list, a restore's parts, room in the database.

All of them read the saved desired state. What programs read is JSON on standard output.
"""

import json
import sys
from typing import Any, Protocol

from agent.command import Command, Options
from agent.etcd import backup, defragment, restore
from agent.etcd.backup_listing import listing
from agent.etcd.backup_settings import BackupSettings
from agent.machine import Failed, Machine


class MemberState(Protocol):
    """The desired state of a member."""

    @property
    def backups(self) -> BackupSettings:
        """Its part about snapshots."""


def snapshot(machine: Machine, state: MemberState, options: Options) -> None:
    """Takes one: reason=WORD (manual), from=ADDRESS of another member, copies=no."""
    copies, reason = _yes(options, "copies", True), options.get("reason", "manual")
    backup.take(machine, state.backups, reason, options.get("from", ""), copies)


def backups(machine: Machine, state: MemberState, options: Options) -> None:
    """Prints what snapshots there are; here=yes leaves the places off this machine out."""
    _print(listing(machine, state.backups, _yes(options, "here", False)))


def restore_part(machine: Machine, state: MemberState, options: Options) -> None:
    """One part of a restore: step=look|stop|snapshot|place|empty|finish.

    Standard input is the plan for `stop`, and an age identity for `snapshot`, where it is encrypted.
    """
    step = options.get("step", "")
    given = sys.stdin.read() if step in ("stop", "snapshot") and not sys.stdin.isatty() else ""
    printed = restore.run(machine, state.backups, step, given)
    if printed is not None:
        _print(printed)


def defragment_members(machine: Machine, state: MemberState, options: Options) -> None:
    """Gives free room back where much is free; with force=yes on every member, and then it ends the alarm NOSPACE."""
    force = _yes(options, "force", False)
    machine.step_name = "defragment"
    defragment.defragment(
        machine,
        state.backups,
        only_where_needed=not force,
        snapshot=lambda: backup.take_before_change(machine, state.backups, "defragment", seconds=1200),
    )


def commands(state: type[Any]) -> dict[str, Command[Any]]:
    """Those of a role whose desired state has `backups`. They run beside others; a part of a restore locks itself."""
    return {
        "snapshot": Command(state, snapshot, alone=False, saved=True, options=("reason", "copies", "from")),
        "backups": Command(state, backups, alone=False, saved=True, options=("here",)),
        "restore": Command(state, restore_part, alone=False, saved=True, options=("step",)),
        "defragment": Command(state, defragment_members, alone=False, saved=True, options=("force",)),
    }


def _yes(options: Options, key: str, default: bool) -> bool:
    word = options.get(key, "yes" if default else "no")
    if word not in ("yes", "no"):
        raise Failed(f"{key} is yes or no, not '{word}'")
    return word == "yes"


def _print(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
