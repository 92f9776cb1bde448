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


def path_without(folder: Path) -> str:
    """PATH without the toolchain's own folder, so that a built program is not mistaken for an official one."""
    entries = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if entry and Path(entry).absolute() != folder.absolute())


def plugin_folders() -> list[Path]:
    """The folders in which the official CLI keeps plugins: under PULUMI_HOME and under its default."""
    homes = [os.environ.get("PULUMI_HOME"), str(Path.home() / ".pulumi")]
    return [Path(home) / "plugins" for home in homes if home]


def find_engine(program: Program, own: Path) -> Path | None:
    """The official `pulumi` on PATH, if its version is supported."""
    found = shutil.which(program.binary, path=path_without(own))
    if found is None:
        return None
    version = engine_version(Path(found))
    return Path(found) if version is not None and ENGINES[0] <= version < ENGINES[1] else None


def find_plugin(program: Program, own: Path) -> Path | None:
    """The official plugin on PATH, or the pinned version in the official CLI's folder."""
    found = shutil.which(program.binary, path=path_without(own))
    if found is not None:
        return Path(found)
    for folder in plugin_folders():
        executable = folder / f"resource-{program.name}-v{program.version}" / program.binary
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
        if is_to_be_built(program):
            continue
        match program.kind:
            case "engine":
                place = find_engine(program, own)
            case "host":
                continue
            case "language":
                host = shutil.which(program.binary, path=path_without(own))
                place = Path(host) if host and "engine" in found else None
            case _:
                place = find_plugin(program, own)
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
