"""Plans the work: the state of each program, and whether it has to be built."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dev.toolchain import official
from dev.toolchain.fingerprint import fingerprint
from dev.toolchain.golang import go_version
from dev.toolchain.places import SOURCES, Places
from dev.toolchain.programs import PROGRAMS, Program

State = Literal["official", "built", "missing", "out of date"]


@dataclass(frozen=True)
class Step:
    """One program and its state."""

    program: Program
    state: State
    path: Path
    fingerprint: str = ""

    @property
    def to_build(self) -> bool:
        """Whether it has to be built."""
        return self.state in ("missing", "out of date")


def _compare(program: Program, places: Places, sources: Path, version: str) -> Step:
    """Compare a program's sources with what its binary was built from."""
    wanted = fingerprint(program, sources / program.name, version)
    path = places.binaries / program.binary
    stamp = places.stamps / program.name
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
