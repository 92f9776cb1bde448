"""The lab's processes, recognised by the marker in their environment or by the control group of their container."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from dev.lab import places
from dev.lab.command import until
from dev.lab.driver.virt.openstack_paas_lab import cgroups


def read(number: int, name: str) -> bytes:
    """A file of a process in /proc; empty when the process has ended."""
    try:
        return Path(f"/proc/{number}/{name}").read_bytes()
    except OSError:
        return b""


def parent(number: int) -> int:
    """The id of a process's parent; 0 when the process has ended."""
    fields = read(number, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def has_ended(number: int) -> bool:
    """Whether a process is gone, or a zombie that waits for its parent."""
    return read(number, "stat").rpartition(b")")[2].split()[:1] in ([], [b"Z"])


def program(number: int) -> str:
    """The name of a process's program, or ""."""
    return read(number, "comm").decode(errors="replace").strip()


def is_marked(number: int) -> bool:
    """Whether the lab's supervisor or its children started the process."""
    return f"{places.MARKER}={places.STATE}".encode() in read(number, "environ").split(b"\0")


def marked() -> list[int]:
    """Every process that the lab's supervisor or its children started."""
    return [number for number in numbers() if number not in (1, os.getpid()) and is_marked(number)]


def numbers() -> Iterator[int]:
    """The ids of all processes on this host."""
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())


def kill(processes: Iterable[int], by: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to each process that still exists."""
    for number in processes:
        with suppress(ProcessLookupError):
            os.kill(number, by)


def instances() -> list[str]:
    """The UUID of every machine with a folder in the lab's state."""
    return sorted(path.parent.name for path in places.INSTANCES.glob("*/*/config"))


def in_groups(paths: Iterable[Path]) -> set[int]:
    """The processes in these control groups and below."""
    found: set[int] = set()
    for file in (file for path in paths for file in path.rglob("cgroup.procs")):
        with suppress(OSError):  # the group has disappeared
            found.update(int(line) for line in file.read_text().split())
    return found - {0, 1}


def kill_all(find: Callable[[], Iterable[int]], what: str) -> None:
    """Kill the processes that `find` returns until it returns none, for at most 15 seconds."""

    def gone() -> bool:
        left[:] = find()
        kill(left)
        return not left

    left: list[int] = []
    until(gone, f"processes of {what} did not end", 15, detail=lambda: f": process ids {', '.join(map(str, left))}")


def end_containers(uuids: list[str]) -> None:
    """Kill every process of these machines, like a power cut, and remove their control groups."""
    groups = cgroups.of_containers(uuids)
    kill_all(lambda: in_groups(groups), "machines")
    cgroups.remove(groups)
