"""The lab's processes, recognised by the marker in their environment or by the control group of their container."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

from dev.lab import places, waiting
from dev.lab.errors import LabError

CGROUPS = Path("/sys/fs/cgroup")
# Under the root of a hierarchy, LXC may put a container's group into the group of the process that started it.
CGROUP_DEPTH = 4


def marked() -> list[int]:
    """Every process that the lab's supervisor or its children started."""
    marker = f"{places.MARKER}={places.STATE}".encode()
    found = []
    for number in numbers():
        try:
            environment = Path(f"/proc/{number}/environ").read_bytes()
        except OSError:
            continue
        if marker in environment.split(b"\0"):
            found.append(number)
    return [number for number in found if number not in (1, os.getpid())]


def numbers() -> Iterator[int]:
    """The ids of all processes on this host."""
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())


def kill(processes: Iterable[int], by: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to each process that still exists."""
    for number in processes:
        try:
            os.kill(number, by)
        except ProcessLookupError:
            continue


def instances() -> list[str]:
    """The UUID of every machine with a folder in the lab's state."""
    return sorted(path.parent.name for path in places.INSTANCES.glob("*/*/config"))


def groups(uuids: Iterable[str]) -> list[Path]:
    """The control groups of these machines' containers and of their monitors, in every hierarchy."""
    wanted = set(uuids)
    found = []
    for path, folders, _ in os.walk(CGROUPS):
        if len(Path(path).relative_to(CGROUPS).parts) > CGROUP_DEPTH:
            folders.clear()
            continue
        for name in list(folders):
            if name.startswith(("lxc.payload.", "lxc.monitor.")):
                folders.remove(name)
                if name.split(".", 2)[2][:36] in wanted:  # 36: a UUID's length; LXC may have added a number
                    found.append(Path(path) / name)
    return found


def in_groups(paths: Iterable[Path]) -> set[int]:
    """The processes in these control groups and below."""
    found: set[int] = set()
    for path in paths:
        for file in path.rglob("cgroup.procs"):
            try:
                found.update(int(line) for line in file.read_text().split())
            except OSError:
                continue  # the group has disappeared
    return found - {0, 1}


def end_containers(uuids: list[str]) -> None:
    """Kill every process of these machines, like a power cut, and remove their control groups."""
    found = groups(uuids)

    def gone() -> bool:
        left = in_groups(found)
        kill(left)
        return not left

    waiting.until(gone, "processes of machines did not end", 15)
    for path in found:
        for below in [*sorted((folder for folder in path.rglob("*") if folder.is_dir()), reverse=True), path]:
            try:
                below.rmdir()
            except OSError:
                continue


def end_marked() -> None:
    """Kill the remaining processes of the lab itself."""

    def gone() -> bool:
        left = marked()
        kill(left)
        return not left

    try:
        waiting.until(gone, "processes of the lab did not end", 15)
    except LabError as error:
        raise LabError(f"{error}: process ids {', '.join(map(str, marked()))}") from error


def remove_pivots() -> None:
    """Remove the empty groups into which LXC moves monitors while it stops. Groups in use by others stay."""
    for pivot in CGROUPS.glob("*/lxc.pivot"):
        try:
            pivot.rmdir()
        except OSError:
            continue
