"""Folders of local volumes.

The provisioner of local volumes makes a volume's folder for everyone. One that was lost with a worker's disk is made
again by the kubelet, empty and for root alone; pods that run as somebody else could not start in it.
"""

import stat
from collections.abc import Sequence
from pathlib import Path

from agent.machine import Machine


def make_volume_folders(machine: Machine, folders: Sequence[str]) -> None:
    """The folders in which volumes lie."""
    for folder in folders:
        path = machine.path(folder)
        if not path.is_dir():
            path.mkdir(parents=True)
            path.chmod(0o755)
            machine.log(f"made {folder}")


def open_lost_volumes(machine: Machine, folders: Sequence[str]) -> None:
    """Gives everyone the volumes that are empty, root's, and for root alone."""
    for folder in folders:
        for volume in sorted(machine.path(folder).glob("pvc-*")):
            if _is_lost(volume):
                volume.chmod(0o777)
                machine.log(f"{folder}/{volume.name} is for everyone again")


def _is_lost(volume: Path) -> bool:
    try:
        found = volume.lstat()
        return (
            stat.S_ISDIR(found.st_mode)
            and stat.S_IMODE(found.st_mode) == 0o755
            and found.st_uid == 0
            and not any(volume.iterdir())
        )
    except FileNotFoundError:
        # Volumes come and go meanwhile.
        return False
