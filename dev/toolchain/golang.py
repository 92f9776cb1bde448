"""This host's Go: checks whether it is installed and new enough, and builds with it."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from dev.errors import DevError
from dev.toolchain.programs import Program

#: Seconds. The longest build from scratch took about 5 minutes on two busy cores. The rest is room for downloads.
BUILD_LIMIT = 30 * 60


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


def start_build(program: Program, folder: Path, output: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start `go build` in its own process group, with all its output in `log`."""
    command = ["go", "build", "-mod=readonly", "-buildvcs=false", "-ldflags", program.link_flags, "-o", str(output)]
    with log.open("wb") as file:
        return subprocess.Popen(
            [*command, program.package],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "GOFLAGS": "", "GOWORK": "off"},
        )


def stop_build(process: "subprocess.Popen[bytes]") -> None:
    """Stop a running build and the compilers that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def tail(log: Path) -> str:
    """The last 15 lines of a log file, without reports of downloads."""
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([line for line in text if not line.startswith("go: downloading")][-15:])
