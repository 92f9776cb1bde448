"""Runs the engine and measures the run: wall time, memory, processor time by part, and where the program's time goes.

The last comes from a sampling profiler (py-spy) in a run of its own.
"""

import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Seconds between two samples. A process with a shorter life may be missed.
INTERVAL = 0.05
#: Seconds after which a run is stopped.
LIMIT = 900
#: 250 samples per second, only of threads that hold the interpreter's lock.
OPTIONS = ("--rate", "250", "--gil", "--format", "raw", "--full-filenames")
#: Our own folders; everything else that is not an import is the SDK: registration of resources.
OWN = {
    "settings": "settings",
    "preflight": "preflight",
    "machines": "rendering",
    "agent": "rendering",
    "components": "components",
}
#: Libraries that work for one of these parts.
LIBRARIES = {"jinja2": "rendering", "keystoneauth1": "preflight", "pydantic": "settings"}
_FILE = re.compile(r"\(([^():]+)(?::\d+)?\)$")


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


def kind(stack: str) -> str:
    """The part that one sampled stack was busy with. Its frames are separated by semicolons, the outermost first."""
    frames = stack.split(";")
    if any("importlib._bootstrap" in frame for frame in frames):
        return "import"
    for frame in reversed(frames):
        found = _FILE.search(frame)
        path = found.group(1) if found else ""
        if "site-packages" in path:
            library = path.split("site-packages/")[-1].split("/")[0]
            return LIBRARIES.get(library, "registration")
        if folder := next((OWN[piece] for piece in Path(path).parts[:-1] if piece in OWN), ""):
            return folder
    return "registration"


def shares(lines: Iterable[str]) -> dict[str, float]:
    """The share of each part, from py-spy's raw format: each line is a stack and its count."""
    counts: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if stack:
            counts[kind(stack)] += int(count)
    total = sum(counts.values())
    return {name: count / total for name, count in counts.most_common()} if total else {}


def ours(of: Mapping[str, float]) -> float:
    """The share of this project's own Python, without Python's import system and the SDK."""
    return sum(of.get(name, 0.0) for name in {*OWN.values()})


def _program(root: psutil.Process) -> int:
    """Wait for the program to start under `root` and return its process id, or 0 after a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for process in root.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if part(process.name(), process.cmdline()) == "program":
                    return int(process.pid)
        time.sleep(0.005)
    return 0


def profile(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """The shares of the parts in a run of `command`. Only samples that hold the interpreter's lock count."""
    spy = shutil.which("py-spy")
    assert spy, "py-spy is not installed (requirements-dev.txt)"
    with tempfile.TemporaryDirectory() as temporary:
        raw = Path(temporary) / "samples"
        child = subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=subprocess.DEVNULL)
        if program := _program(psutil.Process(child.pid)):
            record = [spy, "record", *OPTIONS, "--pid", str(program), "--output", str(raw)]
            subprocess.run(record, capture_output=True, check=False, timeout=LIMIT)
        child.wait(timeout=LIMIT)
        return shares(raw.read_text(encoding="utf-8").splitlines()) if raw.exists() else {}
