"""The control groups of containers. LXC leaves them behind when a container is killed together with its monitor."""

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
# How deep a container's group may be: LXC may put it below the group of the process that started it.
DEPTH = 5


def of_containers(uuids: Iterable[str]) -> list[Path]:
    """The control groups of these containers and of their monitors, in every hierarchy."""
    wanted, found = tuple(uuids), []
    for path, folders, _ in os.walk(ROOT):
        if len(Path(path).relative_to(ROOT).parts) >= DEPTH:
            folders.clear()
        for name in [name for name in folders if name.startswith(("lxc.payload.", "lxc.monitor."))]:
            folders.remove(name)
            if name.split(".", 2)[2].startswith(wanted):  # LXC may have appended a number
                found.append(Path(path) / name)
    return found


def remove(groups: Iterable[Path]) -> None:
    """Kill what still runs in these groups and remove them. A group that cannot be removed yet does no harm."""
    for group in groups:
        for path, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError, ValueError):
                for number in (Path(path) / "cgroup.procs").read_text().split():
                    os.kill(int(number), signal.SIGKILL)
            with contextlib.suppress(OSError):
                Path(path).rmdir()
