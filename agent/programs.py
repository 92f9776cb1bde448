"""Programs of the machine: each with a time limit, an environment without surprises, and no secret in its arguments."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Debian's, and etcd's release archive first.
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Seconds between the signal to end and the one that no program survives, and after that one.
GRACE_SECONDS: Final = 8.0
#: The status that a shell gives to a program that cannot run or is not there, and `timeout` to one that took too long.
CANNOT_RUN, NOT_FOUND, TIMED_OUT = 126, 127, 124
#: A program that a signal has ended: the status is this and the signal's number, as a shell has it.
BY_SIGNAL: Final = 128

#: What never reaches a reader, and what stands in its place. Bootstrap tokens; keys and digests in hexadecimal; tokens
#: of service accounts; age's secret keys; PEM that is in base64 once more, as in a kubeconfig.
_SECRETS: Final = (
    (re.compile(r"(?<![a-z0-9])[a-z0-9]{6}\.[a-z0-9]{16}(?![a-z0-9])"), "<token>"),
    (re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{64,}(?![0-9A-Fa-f])"), "<hidden>"),
    (re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+"), "<token>"),
    (re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]+"), "<hidden>"),
    (re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]+"), "<hidden>"),
)
_BEGIN, _END = r"-+BEGIN [A-Z ]*PRIVATE KEY-+", r"-+END [A-Z ]*PRIVATE KEY-+\n?"
_PRIVATE_KEY: Final = re.compile(rf"{_BEGIN}.*?({_END}|\Z)", re.DOTALL)
#: The text may begin in the middle of a key, as the last lines of a log do.
_END_OF_KEY: Final = re.compile(rf"\A.*{_END}", re.DOTALL)


def without_secrets(text: str) -> str:
    """The text as a reader may see it, wherever a program may have printed tokens or keys."""
    text = _END_OF_KEY.sub("", _PRIVATE_KEY.sub("", text))
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


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
    grace: float = GRACE_SECONDS,
) -> Ended:
    """Runs a program to its end, `given` on its standard input. Its status tells when there is no such program, or when
    it took longer than `seconds`; then it and its children get `grace` seconds to end by themselves.

    Nothing of this run's own files is open in it, so no lock outlives this run with it. What it leaves behind (a
    daemon that has kept its output open) is not waited for beyond the limit.
    """
    variables = {"PATH": PATH, "LC_ALL": "C", "HOME": "/root", **(environment or {})}
    variables = {**{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}, **variables}
    try:
        # A group of its own, as `timeout` makes one: a signal then reaches its children too.
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", env=variables, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        return Ended(NOT_FOUND, errors=f"{words[0]}: {error.strerror}")
    except OSError as error:
        return Ended(CANNOT_RUN, errors=f"{words[0]}: {error.strerror}")
    try:
        output, errors = process.communicate(given, timeout=seconds)
    except subprocess.TimeoutExpired as expired:
        if process.poll() is None:
            output, errors = _stop(process, grace)
            return Ended(TIMED_OUT, output, f"{errors}\n{words[0]} did not end within {seconds:.0f} s".lstrip("\n"))
        output, errors = _text(expired.output), _text(expired.stderr)
        _close(process)
    except BaseException:
        # This run ends. What it has started gets the chance to put its own things in order: dpkg, for one.
        _stop(process, grace)
        raise
    status = process.returncode
    return Ended(status if status >= 0 else BY_SIGNAL - status, output, errors)


def _stop(process: "subprocess.Popen[str]", grace: float) -> tuple[str, str]:
    """Ends a program and its children; what was read of its output and errors."""
    output = errors = ""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        try:
            output, errors = process.communicate(timeout=grace)
            break
        except subprocess.TimeoutExpired as expired:
            # Bytes, in text mode too.
            output, errors = _text(expired.output), _text(expired.stderr)
    _close(process)
    return output, errors


def _close(process: "subprocess.Popen[str]") -> None:
    """Its output may still be open in one that has left its group, or that hangs in the kernel on a lost disk."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _text(content: "bytes | str | None") -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else content or ""
