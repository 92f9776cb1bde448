"""Plans the work: where programs are, the state of each, and whether it has to be built."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dev.errors import DevError
from dev.toolchain import official
from dev.toolchain.programs import PROGRAMS, Program

State = Literal["official", "built", "missing", "out of date"]

#: The folder of this package, which also holds one folder with a go.mod for each program.
SOURCES = Path(__file__).resolve().parent


class Places:
    """The toolchain's part of the cache folder. It never writes anywhere else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        #: A PULUMI_HOME in which the engine finds every plugin, built or official, without PATH.
        self.home = root.parent / "pulumi"
        self.binaries = root / "bin"  # the folder to put on PATH
        self.logs = root / "logs"  # Go's complete output, one file per program
        self.stamps = root / "stamps"  # what each binary was built from: its fingerprint, and the seconds that it took
        self.lock = root / "lock"  # the lock file, held by the build that may write here

    def create(self) -> None:
        """Make the folders that do not exist yet."""
        for folder in (self.binaries, self.logs, self.stamps):
            folder.mkdir(parents=True, exist_ok=True)


def default_places() -> Places:
    """The places under OPENSTACK_PAAS_CACHE, by default ~/.cache/openstack-paas."""
    cache = os.environ.get("OPENSTACK_PAAS_CACHE") or str(Path.home() / ".cache" / "openstack-paas")
    return Places(Path(cache).expanduser().absolute() / "toolchain")


@dataclass(frozen=True)
class Step:
    """One program and its state. One that is not official has a fingerprint of its sources.

    `seconds` is how long its build took, or "" when it has not been built or that is unknown.
    """

    program: Program
    state: State
    path: Path
    fingerprint: str = ""
    seconds: str = ""

    @property
    def to_build(self) -> bool:
        """Whether it has to be built."""
        return self.state in ("missing", "out of date")


def go_version(folder: Path) -> str:
    """The version, such as go1.26.8, of the Go that would build the program in `folder`.

    Raises DevError when Go is missing, or too old and not allowed to fetch a newer one.
    """
    line = re.search(r"^go (\d+)\.(\d+)", (folder / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if line is None:
        raise DevError(f"{folder / 'go.mod'} has no `go` line")
    required, wanted = (int(line[1]), int(line[2])), f"{line[1]}.{line[2]}"
    if shutil.which("go") is None:
        raise DevError(
            f"Go {wanted} or newer is needed to build Pulumi's engine and plugins, but `go` is not on PATH.\n"
            "Install Go (https://go.dev/doc/install), or install the official Pulumi CLI, which needs no build."
        )
    answer = subprocess.run(["go", "env", "GOVERSION"], cwd=folder, capture_output=True, text=True, timeout=300)
    version = answer.stdout.strip()
    found = re.match(r"go(\d+)\.(\d+)", version)
    if answer.returncode != 0 or found is None or (int(found[1]), int(found[2])) < required:
        why = answer.stderr.strip() or f"this machine has {version or 'an unknown version'}"
        raise DevError(f"Go {wanted} or newer is needed to build Pulumi's engine and plugins: {why}")
    return version


def fingerprint(program: Program, folder: Path, version: str) -> str:
    """The SHA-256 of everything that goes into a binary, so that an unchanged program is not built again.

    These are the package, the link flags, Go's version, and the names and contents of the sources: Go files except
    tests, go.mod, go.sum and the files copied beside the binary.
    """
    digest = hashlib.sha256()
    for part in (program.package, program.link_flags, version):
        digest.update(part.encode() + b"\0")
    files = [path for path in folder.rglob("*.go") if not path.name.endswith("_test.go")]
    files += [folder / name for name in ("go.mod", "go.sum", *program.copies)]
    for path in sorted(path for path in files if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _compare(program: Program, places: Places, sources: Path, version: str) -> Step:
    """Compare a program's sources with what its binary was built from."""
    wanted = fingerprint(program, sources / program.name, version)
    path, stamp = places.binaries / program.binary, places.stamps / program.name
    if not all((places.binaries / name).is_file() for name in (program.binary, *program.copies)):
        return Step(program, "missing", path, wanted)
    had, _, seconds = stamp.read_text(encoding="utf-8").partition("\n") if stamp.is_file() else ("", "", "")
    return Step(program, "built" if had == wanted else "out of date", path, wanted, seconds.strip())


def make_plan(places: Places, sources: Path = SOURCES, programs: tuple[Program, ...] = PROGRAMS) -> list[Step]:
    """A step for every program. Raises DevError when one has to be built but Go cannot build it."""
    found = official.find(programs, places.binaries)
    # The old language host is only needed behind our own program `language`.
    programs = tuple(program for program in programs if program.kind != "host" or "language" not in found)
    rest = [program for program in programs if program.name not in found]
    version = go_version(sources / rest[0].name) if rest else ""
    return [
        Step(program, "official", found[program.name])
        if program.name in found
        else _compare(program, places, sources, version)
        for program in programs
    ]
