"""The options of `paas etcd`."""

from pathlib import Path

from ops.shared.backups import add_actions
from ops.shared.options import Commands


def add(commands: Commands) -> None:
    """Adds the command and its actions."""
    etcd = commands.add_parser("etcd", help="snapshots of etcd, and the way back from them")
    restore = add_actions(etcd, "snapshot", "bring etcd back from lost data or a lost majority")
    restore.add_argument("--snapshot", metavar="NAME", help="this snapshot (default: the newest data that there is)")
    restore.add_argument("--identity", type=Path, metavar="FILE", help="age identity, for an encrypted snapshot")
    restore.add_argument(
        "--gone", action="append", default=[], metavar="MEMBER", help="this machine will never come back (repeatable)"
    )
    restore.add_argument("--json", action="store_true", help="print what was done and how long it took as JSON")
