"""Control groups that LXC leaves behind when a container is killed together with its monitor."""

import contextlib
import os
import signal
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
# How deep a container's group may lie: LXC may put it below the group of who started it.
DEPTH = 5


def of_container(uuid: str) -> list[Path]:
    """Every control group of a container, those of its monitor and those with a number appended included."""
    names = (f"lxc.payload.{uuid}", f"lxc.monitor.{uuid}")
    found = []
    for path, folders, _ in os.walk(ROOT):
        if len(Path(path).relative_to(ROOT).parts) >= DEPTH:
            folders.clear()
        for name in [name for name in folders if name.startswith(("lxc.payload.", "lxc.monitor."))]:
            folders.remove(name)
            if name.startswith(names):
                found.append(Path(path) / name)
    return found


def remove(uuid: str) -> None:
    """Kill what still runs in a container's groups and remove them; one that cannot be removed yet does no harm."""
    for group in of_container(uuid):
        for path, _, files in os.walk(group, topdown=False):
            if "cgroup.procs" in files:
                _kill(Path(path) / "cgroup.procs")
            with contextlib.suppress(OSError):
                Path(path).rmdir()


def _kill(processes: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        for number in processes.read_text().split():
            os.kill(int(number), signal.SIGKILL)
