"""Processes of this machine, those of its pods included, by what they were started with."""

import re
from pathlib import Path
from typing import Final

from agent.machine import Machine

#: The place of the start time, in clock ticks since boot, behind the name in /proc/PID/stat: field 22 (man proc).
_START: Final = 19


def oldest(machine: Machine, pattern: str) -> int | None:
    """The process that has run longest of those whose command line, joined by spaces, begins with this expression."""
    found = []
    for folder in machine.path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if re.match(pattern, line):
                found.append((_started(folder), int(folder.name)))
        except (OSError, ValueError, IndexError):
            # It has ended meanwhile: its files are gone, or empty.
            continue
    return min(found)[1] if found else None


def _started(folder: Path) -> int:
    """In clock ticks since boot. The name, in brackets, may hold spaces and brackets."""
    return int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[_START])


def runs(machine: Machine, process: int) -> bool:
    """Whether there is a process of that number."""
    return machine.path(f"/proc/{process}").is_dir()


def kill(machine: Machine, process: int) -> None:
    """Ends it at once, if it is still there."""
    machine.run("kill", "-KILL", str(process), seconds=5)
