"""Plans the work: the state of each program, and whether it has to be built."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dev.toolchain import official
from dev.toolchain.golang import go_version
from dev.toolchain.places import SOURCES, Places
from dev.toolchain.programs import PROGRAMS, Program

State = Literal["official", "built", "missing", "out of date"]


@dataclass(frozen=True)
class Step:
    """One program and its state. A program that has to be built has a fingerprint of its sources."""

    program: Program
    state: State
    path: Path
    fingerprint: str = ""

    @property
    def to_build(self) -> bool:
        """Whether it has to be built."""
        return self.state in ("missing", "out of date")


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
    had = stamp.read_text(encoding="utf-8").strip() if stamp.is_file() else ""
    return Step(program, "built" if had == wanted else "out of date", path, wanted)


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
