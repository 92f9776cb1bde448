"""Runs a program that takes minutes: at low priority, with its output in a log and a progress line now and then."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dev.errors import DevError
from dev.lab.command import tail

Progress = Callable[[str], None]

_PROGRESS_SECONDS = 30


def run(
    what: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    progress: Progress,
    limit_seconds: float,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Runs `command` at low priority. When it fails or takes too long, raises DevError with the end of the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("ab") as output:
        output.write(f"+ {' '.join(map(str, command))}\n".encode())
        output.flush()
        try:
            process = subprocess.Popen(
                ["nice", *map(str, command)],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise DevError(f"{what}: {error}") from error
        try:
            code = _wait(process, what, progress, started, limit_seconds)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if code is None:
        raise DevError(f"{what}: not finished after {limit_seconds:.0f} s{tail(log)}")
    if code != 0:
        raise DevError(f"{what}: {command[0]}: exit code {code}{tail(log)}")


def _wait(
    process: subprocess.Popen[bytes], what: str, progress: Progress, started: float, limit_seconds: float
) -> int | None:
    """The exit code, or None after the time limit."""
    while (elapsed := time.monotonic() - started) < limit_seconds:
        try:
            return process.wait(min(_PROGRESS_SECONDS, limit_seconds - elapsed))
        except subprocess.TimeoutExpired:
            progress(f"{what}: still running after {time.monotonic() - started:.0f} s")
    return None
