"""Locks of Pulumis that no longer run (killed, or the machine lost power), in a state backend on this machine's disk.

Only a lock whose process is dead on this very machine is taken away. Every other one stays: of another host, of a
process that runs, and what cannot be read. The engine then refuses to start, and names who holds it.
"""

import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

_SCHEME: Final = "file://"
_PROC: Final = Path("/proc")
#: The kernel gives the time of boot in whole seconds.
_ROUNDING: Final = timedelta(seconds=2)


def lives(process: int) -> bool:
    """Whether there is a process of that number, be it another user's."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def started(process: int) -> tuple[str, datetime] | None:
    """Name and start of a process that lives; None when it does not show them."""
    try:
        line = (_PROC / str(process) / "stat").read_text()
    except OSError:
        return None
    # The name is in brackets and may hold anything, brackets among it.
    name, _, rest = line.partition("(")[2].rpartition(")")
    seconds = int(rest.split()[19]) / os.sysconf("SC_CLK_TCK")
    boot = next(line for line in (_PROC / "stat").read_text().splitlines() if line.startswith("btime "))
    return name, datetime.fromtimestamp(int(boot.split()[1]), UTC) + timedelta(seconds=seconds)


def folder(backend: str) -> Path | None:
    """Where a backend on disk keeps its locks; None for backends elsewhere."""
    if not backend.startswith(_SCHEME):
        return None
    path = backend.removeprefix(_SCHEME).partition("?")[0]
    return Path(path).expanduser() / ".pulumi" / "locks"


def _is_dead(process: int, taken: datetime) -> bool:
    """Whether a lock's process is gone: there is none of that number, or another one has got the number later."""
    if not lives(process):
        return True
    living = started(process)
    # A clock that was set meanwhile moves the start: whatever is called pulumi is left alone.
    return living is not None and living[0] != "pulumi" and living[1] > taken + _ROUNDING


def clear(backend: str, say: Callable[[str], None]) -> None:
    """Removes dead locks."""
    where = folder(backend)
    for file in sorted(where.rglob("*.json")) if where and where.is_dir() else []:
        try:
            content = json.loads(file.read_text())
            taken = datetime.fromisoformat(content["timestamp"])
            process, host = int(content["pid"]), str(content["hostname"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # Half written, or of an engine that we do not know: it stays, and the engine names it.
        if host == socket.gethostname() and _is_dead(process, taken):
            say(f"recover: the Pulumi that locked this stack (process {process}) is gone; removing its lock")
            file.unlink(missing_ok=True)
