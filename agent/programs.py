"""Programs of the machine: each with a time limit, an environment without surprises, and no secret in its arguments."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Debian's, and etcd's release archive first.
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Seconds between the signal to end and the one that no program survives.
GRACE_SECONDS: Final = 10
#: The status that a shell gives to a program that is not there, and `timeout` to one that took too long.
NOT_FOUND, TIMED_OUT = 127, 124

#: Bootstrap tokens, and keys and digests in hexadecimal.
_TOKEN: Final = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")
_HEXADECIMAL: Final = re.compile(r"\b[0-9a-f]{64}\b")
_PRIVATE_KEY: Final = re.compile(r"-+BEGIN [A-Z ]*PRIVATE KEY-+.*?(-+END [A-Z ]*PRIVATE KEY-+|\Z)\n?", re.DOTALL)


def without_secrets(text: str) -> str:
    """The text as a reader may see it, wherever a program may have printed tokens or keys."""
    return _HEXADECIMAL.sub("<hidden>", _TOKEN.sub("<token>", _PRIVATE_KEY.sub("", text)))


def last_lines(text: str, count: int) -> str:
    """The last lines that say something, without secrets."""
    return "\n".join([line for line in without_secrets(text).splitlines() if line.strip()][-count:])


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit status and what it wrote."""

    status: int
    output: str = ""
    errors: str = ""

    def __bool__(self) -> bool:
        """Whether it succeeded."""
        return self.status == 0

    @property
    def said(self) -> str:
        """The last lines of what it wrote, for messages."""
        return last_lines(f"{self.output}\n{self.errors}", 8) or f"exit status {self.status}"


def run(
    words: tuple[str, ...],
    seconds: float,
    given: str = "",
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Runs a program to its end, `given` on its standard input. Its status tells when there is no such program, or when
    it took longer than `seconds`; then it gets a moment to end by itself.

    Nothing of this run's own files is open in it, so no lock outlives this run with it.
    """
    variables = {"PATH": PATH, "LC_ALL": "C", "HOME": "/root", **(environment or {})}
    variables = {**{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}, **variables}
    try:
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", env=variables,
        )  # fmt: skip
    except (FileNotFoundError, PermissionError) as error:
        return Ended(NOT_FOUND, errors=f"{words[0]}: {error.strerror}")
    with process:
        try:
            output, errors = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                output, errors = process.communicate(timeout=GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                output, errors = process.communicate()
            return Ended(TIMED_OUT, output, f"{errors}\n{words[0]} did not end within {seconds:.0f} s")
        except BaseException:
            process.kill()
            raise
    return Ended(process.returncode, output, errors)
