"""Finds, installs and asks Pulumi's official programs. A program that is found is not built."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from subprocess import DEVNULL, PIPE
from threading import Timer

from dev.toolchain.programs import ENGINES, Kind, Program

#: Seconds that the official CLI may take to download one plugin (tens of megabytes).
INSTALL_LIMIT = 180
#: Names of programs separated by commas, or `all`. These are built even when official ones exist.
BUILD_VARIABLE = "OPENSTACK_PAAS_BUILD"
#: Seconds that a program may take to start, and again to answer.
ANSWER_LIMIT = 30
#: Printed for a program that does not report its version.
UNKNOWN = "unknown"
#: An address without an engine. A program connects to it only to write logs, which this question does not cause.
NO_ENGINE = "127.0.0.1:1"


def is_to_be_built(program: Program) -> bool:
    """Whether the environment asks for a build of this program."""
    names = os.environ.get(BUILD_VARIABLE, "").replace(" ", "").split(",")
    return "all" in names or program.name in names


def find_official(program: Program, own: Path) -> Path | None:
    """The program on PATH, but not in the toolchain's own folder: a built program is no official one.

    Of the engine only a supported version counts. A plugin may also be in the official CLI's folder (PULUMI_HOME or its
    default), there in the pinned version only.
    """
    entries = os.environ.get("PATH", "").split(os.pathsep)
    others = [entry for entry in entries if entry and Path(entry).absolute() != own.absolute()]
    executable = shutil.which(program.binary, path=os.pathsep.join(others))
    found = Path(executable) if executable else None
    if program.kind == "engine" and found:
        version = engine_version(found)
        return found if version is not None and ENGINES[0] <= version < ENGINES[1] else None
    if program.kind != "plugin" or found:
        return found
    for home in filter(None, (os.environ.get("PULUMI_HOME"), str(Path.home() / ".pulumi"))):
        place = Path(home) / "plugins" / f"resource-{program.name}-v{program.version}" / program.binary
        # The toolchain's own PULUMI_HOME has links to built programs.
        if os.access(place, os.X_OK) and place.resolve().parent != own.resolve():
            return place
    return None


def find(programs: tuple[Program, ...], own: Path) -> dict[str, Path]:
    """Every official program on this host, by name. `own` is the folder with the built ones.

    The language host counts only beside an official engine, because the two use a protocol of their own.
    """
    found: dict[str, Path] = {}
    for program in sorted(programs, key=lambda each: each.kind != "engine"):
        if is_to_be_built(program) or program.kind == "host" or (program.kind == "language" and "engine" not in found):
            continue
        if place := find_official(program, own):
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


def engine_version(executable: Path) -> tuple[int, ...] | None:
    """The output of `pulumi version` as numbers, or None when it is not a version."""
    try:
        answer = subprocess.run([executable, "version"], capture_output=True, text=True, timeout=ANSWER_LIMIT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", answer.stdout.strip())
    return tuple(int(number) for number in found.groups()) if found else None


def reported_version(program: Program, executable: Path) -> str:
    """The version that an official program reports, or UNKNOWN."""
    if program.kind == "engine":
        numbers = engine_version(executable)
        return ".".join(map(str, numbers)) if numbers else UNKNOWN
    try:
        process = subprocess.Popen([executable, NO_ENGINE], stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        return UNKNOWN
    assert process.stdout is not None
    too_late = Timer(ANSWER_LIMIT, process.kill)
    too_late.start()
    try:
        port = process.stdout.readline().decode(errors="replace").strip()  # printed when the program is ready
        too_late.cancel()
        return (_ask(program.kind, port) if port.isdigit() else "") or UNKNOWN
    finally:
        too_late.cancel()
        process.kill()
        process.communicate()


def _ask(kind: Kind, port: str) -> str:
    """The version from the call GetPluginInfo, or "". The SDK for this call is only in the virtual environment."""
    try:
        import grpc
        from google.protobuf.empty_pb2 import Empty
        from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeStub
        from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub
    except ImportError:
        return ""
    protocol = ResourceProviderStub if kind == "plugin" else LanguageRuntimeStub
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            return str(protocol(channel).GetPluginInfo(Empty(), timeout=ANSWER_LIMIT).version).removeprefix("v")
        except grpc.RpcError:
            return ""
