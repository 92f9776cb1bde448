"""What the agent keeps of itself on this machine: its archive, and the desired state of the last run.

An archive has its digest in its name. Python reads modules from it by its path at any time, so it never changes.
"""

import contextlib
import hashlib
import re
from pathlib import Path
from typing import Final

from agent.machine import Failed, Machine
from agent.system import files

FOLDER: Final = "/opt/openstack-paas"
#: What timers, units, and people call.
NAME: Final = "agent.pyz"
_ARCHIVE: Final = re.compile(r"agent-([0-9a-f]+)\.pyz")
#: Seconds after which no run waits for its turn any more.
LEFT_BEHIND_SECONDS: Final = 3600


def state_file(role: str) -> str:
    """The desired state of the last run of `converge`: for people, timers and `ops`. It has secrets."""
    return f"{FOLDER}/{role}.json"


def make_folders(machine: Machine) -> None:
    """What the platform remembers between two runs is for root alone."""
    (machine.state / "applied").mkdir(parents=True, exist_ok=True)
    machine.state.chmod(0o700)


def settle(machine: Machine, archive: Path) -> None:
    """Puts the archive that runs where timers find it, and removes all but it and the previous one.

    Does nothing for an agent that runs from anything else. Only the one run of this machine calls it. Raises Failed
    when the archive is not what its name says.
    """
    found = _ARCHIVE.fullmatch(archive.name)
    if not found:
        return
    content = archive.read_bytes()
    if not hashlib.sha256(content).hexdigest().startswith(found[1]):
        raise Failed(f"{archive} is not what its name says: it was cut off on its way. Run `pulumi up` again")
    folder = machine.path(FOLDER)
    if not (folder / archive.name).exists():
        files.write(folder / archive.name, content, 0o644)
    link = folder / NAME
    previous = link.readlink().name if link.is_symlink() else ""
    if previous != archive.name:
        new = folder / f".{NAME}.new"
        new.unlink(missing_ok=True)
        new.symlink_to(archive.name)
        new.replace(link)
        files.sync_folder(folder)
    for other in (*folder.glob("agent-*.pyz"), *archive.parent.glob("agent-*.pyz")):
        # A run that waits for this one has a young archive here too.
        with contextlib.suppress(FileNotFoundError):
            age = machine.clock.now().timestamp() - other.stat().st_mtime
            if other.name not in (archive.name, previous) and age > LEFT_BEHIND_SECONDS:
                other.unlink()
