"""The options of `paas database`."""

from ops.shared.backups import add_actions
from ops.shared.options import Commands


def add(commands: Commands) -> None:
    """Adds the command and its actions."""
    database = commands.add_parser("database", help="backups of MariaDB, and the way back from them")
    restore = add_actions(database, "backup", "put a backup in the place of all data")
    restore.add_argument("--backup", metavar="NAME", help="this backup (default: the newest)")
