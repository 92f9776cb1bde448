"""Runs one program and waits for it to finish."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.lab.errors import LabError


def run(
    *arguments: str | Path,
    check: bool = True,
    stdin: str | None = None,
    timeout: float = 120,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> str:
    """Run a program and return its standard output.

    With `log`, both outputs are appended to that file instead and "" is returned. A non-zero exit code raises LabError
    with the last lines of the output, unless `check` is False.
    """
    command: Sequence[str] = [str(argument) for argument in arguments]
    try:
        if log is not None:
            with log.open("ab") as output:
                done = subprocess.run(
                    command,
                    input=stdin,
                    text=True,
                    timeout=timeout,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(environment or {})},
                )
        else:
            done = subprocess.run(
                command,
                input=stdin,
                text=True,
                timeout=timeout,
                capture_output=True,
                env={**os.environ, **(environment or {})},
            )
    except FileNotFoundError as error:
        raise LabError(f"{command[0]}: program not found") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(command)}: not finished after {timeout:.0f} s{tail(log)}") from error
    if check and done.returncode != 0:
        last = tail(log) if log is not None else indent((done.stderr or done.stdout or "").splitlines()[-15:])
        raise LabError(f"{' '.join(command)}: exit code {done.returncode}{last}")
    return done.stdout or ""


def tail(log: Path | None, lines: int = 15) -> str:
    """The last lines of a log, indented under its name; "" when there is no log."""
    if log is None or not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16384))
        text = re.sub(r"\x1b\[[0-9;]*m", "", file.read().decode(errors="replace"))  # colours
    last = text.splitlines()[-lines:]
    return f"\n  last lines of {log}:{indent(last)}"


def indent(lines: Sequence[str]) -> str:
    """The lines, indented by four spaces and cut at 240 characters."""
    return "".join(f"\n    {line[:240]}" for line in lines)
