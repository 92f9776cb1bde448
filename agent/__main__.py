"""`python3 -I agent.pyz COMMAND ROLE SECONDS [KEY=VALUE...] < desired state`: a command of a role, with a time limit.

The modules of agent/roles have the commands. `converge` brings the machine to the desired state.
"""

import contextlib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agent import desired, installed
from agent.command import Command, Options
from agent.limits import Stopped, stop_on_signals, time_limit
from agent.machine import Failed, Machine
from agent.output import WORD_SECONDS, Output, words_to_reader
from agent.programs import without_secrets
from agent.system import files, lock

#: Exit statuses: the run has failed and said why; the words of the command line are wrong (as in sysexits.h).
FAILED, USAGE = 70, 64
ROLES: Final = "agent.roles"
_ROLE: Final = re.compile(r"[a-z][a-z0-9-]*")


def find_command(name: str, role: str, roles: str = ROLES) -> "Command[Any] | None":
    """The command of the role; None when this archive has no such role, or the role no such command."""
    if not _ROLE.fullmatch(role):
        return None
    module = f"{roles}.{role.replace('-', '_')}"
    try:
        commands: Mapping[str, Command[Any]] = importlib.import_module(module).COMMANDS
    except ModuleNotFoundError as error:
        # Another module that is missing is a fault of the archive, which has to be seen.
        if error.name not in (module, roles):
            raise
        return None
    return commands.get(name)


def main(
    words: Sequence[str],
    root: Path = Path("/"),
    roles: str = ROLES,
    word_seconds: float = WORD_SECONDS,
) -> int:
    """Runs a command, and returns the exit status."""
    os.umask(0o022)
    try:
        name, role, limit, *pairs = words
        options = dict(pair.split("=", 1) for pair in pairs)
        seconds, command = float(limit), find_command(name, role, roles)
    except ValueError:
        command = None
    if command is None or not options.keys() <= set(command.options):
        sys.stderr.write(f"{_usage(command)}; got: {' '.join(words)}\n")
        return USAGE
    output = Output(sys.stdout.fileno())
    # Programs read what a command says that goes on with the saved state: only that is on its standard output.
    errors = Output(sys.stderr.fileno()) if command.saved else output
    words_said = contextlib.nullcontext() if command.saved else words_to_reader(output, role, word_seconds)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = output, errors
    try:
        with stop_on_signals(), words_said:
            return _run(Machine(os.uname().nodename, root), command, role, seconds, (output, errors), options)
    finally:
        sys.stdout, sys.stderr = before


def _usage(command: "Command[Any] | None") -> str:
    known = "".join(f" [{key}=VALUE]" for key in command.options) if command else " [KEY=VALUE...]"
    return f"usage: agent COMMAND ROLE SECONDS{known} < desired state"


def _run(
    machine: Machine,
    command: "Command[Any]",
    role: str,
    seconds: float,
    outputs: tuple[Output, Output],
    options: Options,
) -> int:
    """The run itself. Every way that it can end says so once."""
    output = outputs[0]
    kept = machine.path(installed.state_file(role))
    try:
        text = _read_state(command, kept)
        state = None if command.state is None else desired.load(command.state, text)
        for each in outputs:
            each.hide(desired.secrets(state))
        with contextlib.ExitStack() as held:
            if command.alone:
                # An earlier run goes on after its connection was lost.
                held.enter_context(lock.hold(machine, lock.ONE_RUN, seconds, "an earlier run"))
                output.keep(machine.path(f"{installed.FOLDER}/{role}.log"))
                installed.make_folders(machine)
                installed.settle(machine, Path(sys.argv[0]).absolute())
                if command.state and not command.saved:
                    files.write(kept, text, 0o600)
            with time_limit(seconds, output.write):
                command.run(machine, state, options)
    except (Failed, desired.Invalid) as failure:
        machine.report(output.without_hidden(str(failure)))
        return FAILED
    except Stopped as stopped:
        machine.report(str(stopped))
        return stopped.status
    except Exception as error:
        machine.report(output.without_hidden(f"unexpected: {describe(error)}"))
        return FAILED
    return 0


def _read_state(command: "Command[Any]", kept: Path) -> bytes:
    if command.state is None:
        return b""
    if not command.saved:
        return desired.unpack(sys.stdin.buffer.read())
    if not kept.exists():
        raise Failed(f"this machine has no desired state ({kept}): run `pulumi up`")
    return kept.read_bytes()


def describe(error: Exception) -> str:
    """An error that nobody has foreseen: what it is and where, without the values that a traceback may show."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__}: {without_secrets(str(error))} ({places})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
