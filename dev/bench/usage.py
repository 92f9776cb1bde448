"""Runs a command and watches its whole process tree: wall time, memory, and processor time by part."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Seconds between two samples. A process with a shorter life may be missed.
INTERVAL = 0.05
#: Seconds after which a run is stopped.
LIMIT = 900


@dataclass(frozen=True)
class Usage:
    """One run: wall time in seconds, peak resident memory of the process tree in MiB, processor seconds by part."""

    status: int
    text: str
    wall: float
    peak_mib: float
    processor: Mapping[str, float]


def part(name: str, arguments: Sequence[str]) -> str:
    """The part that a process belongs to: the engine, a plugin, the program, or the language host's call of pip."""
    for argument in arguments[:2]:
        program = Path(argument).name
        if program.startswith("pulumi-resource-"):
            return f"plugin {program.removeprefix('pulumi-resource-')}"
    if any("pulumi-language-python-exec" in argument for argument in arguments[:3]):
        return "program"
    if name.startswith("pulumi-language"):
        return "language host"
    if "pip" in arguments[:3]:
        return "pip list"
    return "engine" if name == "pulumi" else name


def _look(root: psutil.Process, seen: dict[int, tuple[str, float]]) -> float:
    """Record the processor time of every process in the tree. Returns the tree's resident memory in MiB."""
    memory = 0.0
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess), process.oneshot():
            times = process.cpu_times()
            seen[process.pid] = (part(process.name(), process.cmdline()), times.user + times.system)
            memory += process.memory_info().rss / 2**20
    return memory


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Usage:
    """Run `command` in `folder` and watch it. Raises TimeoutError after LIMIT seconds."""
    started, peak = time.monotonic(), 0.0
    seen: dict[int, tuple[str, float]] = {}
    with subprocess.Popen(
        command, cwd=folder, env=dict(environment), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as child:
        root = psutil.Process(child.pid)
        text = ""
        while True:
            with suppress(psutil.NoSuchProcess):
                peak = max(peak, _look(root, seen))
            try:
                text = child.communicate(timeout=INTERVAL)[0]
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() - started > LIMIT:
                    child.kill()
                    raise TimeoutError(f"{' '.join(command)} did not finish within {LIMIT} s") from None
        wall = time.monotonic() - started
    processor: dict[str, float] = {}
    for name, seconds in seen.values():
        processor[name] = processor.get(name, 0.0) + seconds
    return Usage(child.returncode, text, wall, peak, processor)
