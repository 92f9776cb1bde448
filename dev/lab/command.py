"""Runs programs, short ones for their output and long ones with a log and progress lines, and waits by polling."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dev.errors import DevError

#: Shows one line of progress.
Say = Callable[[str], None]
_PROGRESS_SECONDS = 30


def run(
    *arguments: str | Path,
    check: bool = True,
    stdin: str | None = None,
    timeout: float = 120,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> str:
    """Run a program and return its standard output.

    With `log`, both outputs are appended to that file instead and "" is returned. A non-zero exit code raises DevError
    with the last lines of the output, unless `check` is False.
    """
    command = [str(argument) for argument in arguments]
    with (log or Path(os.devnull)).open("ab") as file:
        try:
            done = subprocess.run(
                command,
                input=stdin,
                text=True,
                timeout=timeout,
                stdout=file if log else subprocess.PIPE,
                stderr=subprocess.STDOUT if log else subprocess.PIPE,
                env={**os.environ, **(environment or {})},
            )
        except FileNotFoundError as error:
            raise DevError(f"{command[0]}: program not found") from error
        except subprocess.TimeoutExpired as error:
            raise DevError(f"{' '.join(command)}: not finished after {timeout:.0f} s{tail(log)}") from error
    if check and done.returncode != 0:
        last = tail(log) if log else indent((done.stderr or done.stdout or "").splitlines()[-15:])
        raise DevError(f"{' '.join(command)}: exit code {done.returncode}{last}")
    return done.stdout or ""


def ip(words: str, check: bool = True) -> str:
    """Run `ip` with these words, which contain no spaces themselves."""
    return run("ip", *words.split(), check=check)


@dataclass(frozen=True)
class LongTask:
    """Runs programs that take minutes: at low priority, with a log and a progress line now and then."""

    title: str
    log: Path
    say: Say
    limit_seconds: float

    def run(
        self, *command: str | Path, folder: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """Run one program. When it fails or takes longer than the limit, raise DevError with the end of the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        with self.log.open("ab") as output:
            output.write(f"+ {' '.join(map(str, command))}\n".encode())
            output.flush()
            try:
                process = subprocess.Popen(
                    ["nice", *map(str, command)],
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            except OSError as error:
                raise DevError(f"{self.title}: {error}") from error
            try:
                while (elapsed := time.monotonic() - started) < self.limit_seconds:
                    with suppress(subprocess.TimeoutExpired):
                        code = process.wait(min(_PROGRESS_SECONDS, self.limit_seconds - elapsed))
                        break
                    self.say(f"{self.title}: still running after {time.monotonic() - started:.0f} s")
                else:
                    raise DevError(f"{self.title}: not finished after {self.limit_seconds:.0f} s{tail(self.log)}")
            finally:
                process.terminate()  # does nothing when it has ended
                process.wait()
        if code != 0:
            raise DevError(f"{self.title}: {command[0]}: exit code {code}{tail(self.log)}")


def until(
    condition: Callable[[], bool],
    what: str,
    limit: float,
    log: Path | None = None,
    detail: Callable[[], str] = lambda: "",
    pause: float = 0.1,
) -> None:
    """Poll `condition` until it is true. Raises DevError after `limit` seconds: `what`, `detail`, the end of `log`."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise DevError(f"{what} within {limit:.0f} s{detail()}{tail(log)}")
        time.sleep(pause)


def tail(log: Path | None, lines: int = 15) -> str:
    """The last lines of a log, indented under its name; "" when there is no log."""
    if log is None or not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16384))
        text = re.sub(r"\x1b\[[0-9;]*m", "", file.read().decode(errors="replace"))  # colours
    return f"\n  last lines of {log}:{indent(text.splitlines()[-lines:])}"


def indent(lines: Sequence[str]) -> str:
    """The lines, indented by four spaces and cut at 240 characters."""
    return "".join(f"\n    {line[:240]}" for line in lines)
