"""The agent's own archives on this machine: the one that runs gets the name by which timers and commands find it.

Each archive has a digest in its name. Python reads modules from it by its path at any time,
so an archive never changes.
"""

import contextlib
import re
from pathlib import Path
from typing import Final

from agent.machine import Machine

FOLDER: Final = "/opt/openstack-paas"
#: What timers, units and commands of gateways call.
NAME: Final = "agent.pyz"
_ARCHIVE: Final = re.compile(r"agent-[0-9a-f]+\.pyz")
#: Seconds after which no run waits for its turn any more, or writes its archive.
LEFT_BEHIND_SECONDS: Final = 3600


def settle(machine: Machine, archive: Path) -> None:
    """Lets the fixed name lead to the archive, and removes all but it and the previous one, which may still run.

    Does nothing for an agent that runs from anywhere else. Only the one run of this machine calls it.
    """
    folder = machine.path(FOLDER)
    if archive.parent != folder or not _ARCHIVE.fullmatch(archive.name):
        return
    link = folder / NAME
    previous = link.readlink().name if link.is_symlink() else ""
    if previous != archive.name:
        new = folder / f".{NAME}.new"
        new.unlink(missing_ok=True)
        new.symlink_to(archive.name)
        new.replace(link)
    for other in folder.glob("agent-*.pyz*"):
        # A run that waits for this one, or is being written, has a young archive here too.
        with contextlib.suppress(FileNotFoundError):
            age = machine.clock.now().timestamp() - other.stat().st_mtime
            if other.name not in (archive.name, previous) and age > LEFT_BEHIND_SECONDS:
                other.unlink()
