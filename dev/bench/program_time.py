"""Where the program's process spends its time, measured by a sampling profiler (py-spy) during a normal preview."""

import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from dev.bench.usage import part

#: 250 samples per second, only of threads that hold the interpreter's lock.
OPTIONS = ("--rate", "250", "--gil", "--format", "raw", "--full-filenames")
#: Our own folders; everything else that is not an import is the SDK: registration of resources.
OWN = {"settings": "settings", "preflight": "preflight", "machines": "rendering", "components": "components"}
#: Libraries that work for one of these parts.
LIBRARIES = {"jinja2": "rendering", "keystoneauth1": "preflight", "pydantic": "settings"}
_FILE = re.compile(r"\(([^():]+)(?::\d+)?\)$")


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
    return sum(of.get(name, 0.0) for name in OWN.values())


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
            subprocess.run(record, capture_output=True, check=False, timeout=900)
        child.wait(timeout=900)
        return shares(raw.read_text(encoding="utf-8").splitlines()) if raw.exists() else {}
