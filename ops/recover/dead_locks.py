"""Locks of Pulumis that no longer live (killed, or the machine lost power), in a state backend on this machine's disk.

Only a lock whose process is dead on this very machine is taken away. Every other one stays: of another host, of a
process that lives, and what cannot be read. The engine then refuses to start, and names who holds it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

_SCHEME: Final = "file://"
#: The kernel tells the moment of boot in whole seconds.
_ROUNDING: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class Lock:
    """A lock file of the engine, and who wrote it when."""

    file: Path
    process: int
    host: str
    taken: datetime


class Processes:
    """This machine's processes, by /proc."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def lives(self, process: int) -> bool:
        """Whether there is a process of that number, be it another user's."""
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def started(self, process: int) -> tuple[str, datetime] | None:
        """Name and start of a process that lives; None when it does not show them."""
        try:
            line = (self._proc / str(process) / "stat").read_text()
        except OSError:
            return None
        # The name stands in brackets and may hold anything, brackets among it.
        name, _, rest = line.partition("(")[2].rpartition(")")
        ticks = int(rest.split()[19])
        return name, self._boot() + timedelta(seconds=ticks / os.sysconf("SC_CLK_TCK"))

    def _boot(self) -> datetime:
        for line in (self._proc / "stat").read_text().splitlines():
            if line.startswith("btime "):
                return datetime.fromtimestamp(int(line.split()[1]), UTC)
        raise ValueError(f"{self._proc}/stat does not tell the moment of boot")


def folder(backend: str) -> Path | None:
    """Where a backend on disk keeps its locks; None for backends elsewhere."""
    if not backend.startswith(_SCHEME):
        return None
    path = backend.removeprefix(_SCHEME).partition("?")[0]
    return Path(path).expanduser() / ".pulumi" / "locks"


def _locks(where: Path) -> Iterator[Lock]:
    """Every lock that can be read."""
    for file in sorted(where.rglob("*.json")):
        try:
            content = json.loads(file.read_text())
            taken = datetime.fromisoformat(content["timestamp"])
            yield Lock(file, int(content["pid"]), str(content["hostname"]), taken)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # Half written, or of an engine that we do not know: it stays, and the engine names it.


def _is_dead(lock: Lock, processes: Processes) -> bool:
    """Whether its process is gone: there is none of that number, or another one has got the number later."""
    if not processes.lives(lock.process):
        return True
    living = processes.started(lock.process)
    if living is None:
        return False
    name, started = living
    # A clock that was set meanwhile moves `started`: whatever is called pulumi is left alone.
    return name != "pulumi" and started > lock.taken + _ROUNDING


def clear(backend: str, say: Callable[[str], None], processes: Processes | None = None) -> int:
    """Removes dead locks; returns how many that were."""
    where, host, removed = folder(backend), socket.gethostname(), 0
    if where is None or not where.is_dir():
        return 0
    for lock in _locks(where):
        if lock.host == host and _is_dead(lock, processes or Processes()):
            say(f"recover: the Pulumi that locked this stack (process {lock.process}) is gone; removing its lock")
            lock.file.unlink(missing_ok=True)
            removed += 1
    return removed
