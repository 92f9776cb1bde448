"""One run at a time on a machine."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.machine import Failed, Machine

#: The line of shell that unpacks what a run brings locks this file, and hands it on as this descriptor.
LOCK: Final = "/opt/openstack-paas/.lock"
HANDED_ON: Final = 9


@contextlib.contextmanager
def held(machine: Machine) -> Iterator[None]:
    """Keeps a second run out; makes the folder of what the platform remembers, for root alone.

    Raises Failed at once when another run holds the lock.
    """
    path = machine.path(LOCK)
    path.parent.mkdir(parents=True, exist_ok=True)
    (machine.state / "applied").mkdir(parents=True, exist_ok=True)
    machine.state.chmod(0o700)
    if _is_handed_on(path):
        yield
        return
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed("another run is in progress on this machine") from None
        yield


def _is_handed_on(path: Path) -> bool:
    try:
        return Path(f"/proc/self/fd/{HANDED_ON}").readlink() == path
    except OSError:
        return False
