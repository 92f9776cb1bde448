"""Finds or installs Pulumi's official programs. A program that is found is not built."""

import os
import shutil
import subprocess
from pathlib import Path

from dev.toolchain.programs import ENGINES, Program
from dev.toolchain.reported_version import engine_version

#: Seconds that the official CLI may take to download one plugin (tens of megabytes).
INSTALL_LIMIT = 180
#: Names of programs separated by commas, or `all`. These are built even when official ones exist.
BUILD_VARIABLE = "OPENSTACK_PAAS_BUILD"


def is_to_be_built(program: Program) -> bool:
    """Whether the environment asks for a build of this program."""
    names = os.environ.get(BUILD_VARIABLE, "").replace(" ", "").split(",")
    return "all" in names or program.name in names


def find_on_path(program: Program, own: Path) -> Path | None:
    """The program on PATH, but not in the toolchain's own folder: a built program is no official one."""
    entries = os.environ.get("PATH", "").split(os.pathsep)
    others = [entry for entry in entries if entry and Path(entry).absolute() != own.absolute()]
    found = shutil.which(program.binary, path=os.pathsep.join(others))
    return Path(found) if found else None


def find_engine(program: Program, own: Path) -> Path | None:
    """The official `pulumi` on PATH, if its version is supported."""
    found = find_on_path(program, own)
    version = engine_version(found) if found else None
    return found if version is not None and ENGINES[0] <= version < ENGINES[1] else None


def find_plugin(program: Program, own: Path) -> Path | None:
    """The official plugin on PATH, or the pinned version in the official CLI's folder (PULUMI_HOME or its default)."""
    if found := find_on_path(program, own):
        return found
    for home in filter(None, (os.environ.get("PULUMI_HOME"), str(Path.home() / ".pulumi"))):
        executable = Path(home) / "plugins" / f"resource-{program.name}-v{program.version}" / program.binary
        # The toolchain's own PULUMI_HOME has links to built programs.
        if os.access(executable, os.X_OK) and executable.resolve().parent != own.resolve():
            return executable
    return None


def find(programs: tuple[Program, ...], own: Path) -> dict[str, Path]:
    """Every official program on this host, by name. `own` is the folder with the built ones.

    The language host counts only beside an official engine, because the two use a protocol of their own.
    """
    found: dict[str, Path] = {}
    for program in sorted(programs, key=lambda each: each.kind != "engine"):
        place = None
        if is_to_be_built(program):
            continue
        if program.kind == "engine":
            place = find_engine(program, own)
        elif program.kind == "plugin":
            place = find_plugin(program, own)
        elif program.kind == "language" and "engine" in found:
            place = find_on_path(program, own)
        if place is not None:
            found[program.name] = place
    return found


def install(program: Program, engine: Path) -> str | None:
    """Let the official CLI download a plugin. Returns None when that worked, otherwise the reason in one line."""
    command = [str(engine), "plugin", "install", "resource", program.name, program.version, "--non-interactive"]
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_LIMIT, stdin=subprocess.DEVNULL, env=environment
        )
    except subprocess.TimeoutExpired:
        return f"not downloaded within {INSTALL_LIMIT} s"
    except OSError as problem:
        return str(problem)
    if answer.returncode == 0:
        return None
    words = (answer.stderr.strip() or answer.stdout.strip() or f"exit status {answer.returncode}").splitlines()
    return words[-1]
