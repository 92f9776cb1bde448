"""One command of the Pulumi CLI, which asks nothing and has a time limit."""

import subprocess
from pathlib import Path
from typing import Final

from ops.shared.errors import OpsError

#: Seconds that one command may take: the backend may be far away.
SECONDS: Final = 120


class PulumiError(OpsError):
    """Pulumi is missing, failed or took too long; the message has Pulumi's own text."""


def run(
    *words: str,
    stack: str | None = None,
    folder: Path | None = None,
    text: str | None = None,
    seconds: int = SECONDS,
    alone: bool = False,
) -> str:
    """Standard output of `pulumi WORDS` on a stack (default: the selected one). `text` is its standard input.

    `alone` is for long operations: Ctrl-C does not reach them, and the message has the end of all that was printed.
    """
    name = f"`pulumi {' '.join(words[:2])}`"
    command = ["pulumi", *words, "--non-interactive", *(["--stack", stack] if stack else [])]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            start_new_session=alone,
        )
    except FileNotFoundError:
        raise PulumiError("pulumi is not on PATH (with the lab: source dev/scripts/environment.sh STACK)") from None
    except subprocess.TimeoutExpired:
        raise PulumiError(f"{name} did not end within {seconds} s") from None
    if done.returncode and alone:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-80:])
        raise PulumiError(f"{name} failed:\n{tail}")
    if done.returncode:
        raise PulumiError(f"{name} failed: {(done.stderr.strip() or done.stdout.strip()).removeprefix('error: ')}")
    return done.stdout
