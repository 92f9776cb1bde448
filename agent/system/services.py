"""Services: enabled, started, and restarted only when what they read has changed."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from agent.machine import Machine
from agent.system import files

Verb = Literal["reload", "restart"]

#: Seconds that a service may take to restart; a probe of its own says whether it is well then.
RESTART_SECONDS: Final = 100


def fingerprint(machine: Machine, paths: Sequence[str]) -> str:
    """One line that changes when any of the files does; a file that is not there counts as empty.

    It is written as the release before the agent wrote it (`sha256sum` of standard input, so with a dash): a machine
    that goes over to the agent restarts nothing for that alone.
    """
    files_here = ((path, machine.path(path)) for path in paths)
    sums = (f"{path} {_sum(here.read_bytes()) if here.exists() else ''}\n" for path, here in files_here)
    return _sum("".join(sums).encode())


def _sum(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}  -"


def applied(machine: Machine, unit: str) -> Path:
    """Where it is remembered what a unit runs with."""
    return machine.state / "applied" / unit


def remember(machine: Machine, unit: str, wanted: str) -> None:
    """Notes what the unit runs with."""
    files.write(applied(machine, unit), f"{wanted}\n")


def property_of(machine: Machine, unit: str, name: str) -> str:
    """A property of a unit, as systemd has it."""
    return machine.run("systemctl", "show", f"--property={name}", "--value", unit).output.strip()


def is_active(machine: Machine, unit: str) -> bool:
    """Whether the unit runs."""
    return bool(machine.run("systemctl", "is-active", "--quiet", unit))


def runs_old_program(machine: Machine, unit: str) -> bool:
    """Whether the file of its program has been replaced since it was started."""
    process = property_of(machine, unit, "MainPID")
    if process in ("", "0"):
        return False
    try:
        return str(machine.path(f"/proc/{process}/exe").readlink()).endswith(" (deleted)")
    except OSError:
        return False


def is_outdated(machine: Machine, unit: str, paths: Sequence[str]) -> bool:
    """Whether it runs with other content of `paths`, or another program, than there is now."""
    if not is_active(machine, unit):
        return False
    known = files.read(applied(machine, unit))
    return fingerprint(machine, paths) != known or runs_old_program(machine, unit)


def apply(machine: Machine, unit: str, verb: Verb, paths: Sequence[str], block: bool = True) -> None:
    """Enables and starts a unit; does `verb` where it runs with other content of `paths`, restarts another program.

    What it runs with is remembered only after that, so the next run completes an interrupted one. Without `block`
    nobody waits until it has started.
    """
    machine.unit = unit
    now = () if block else ("--no-block",)
    wanted = fingerprint(machine, paths)
    # A unit file or drop-in newer than what systemd has read, perhaps by a run that was interrupted.
    if property_of(machine, unit, "NeedDaemonReload") == "yes":
        machine.must("systemctl", "daemon-reload")
    if not machine.run("systemctl", "is-enabled", "--quiet", unit):
        machine.must("systemctl", "--quiet", "enable", unit)
    if property_of(machine, unit, "ActiveState") in ("active", "activating", "reloading"):
        done: str = verb
        if runs_old_program(machine, unit):
            done = "restart"
        elif wanted == files.read(applied(machine, unit)):
            return
        word = "reload-or-restart" if done == "reload" else done
        machine.must("systemctl", *now, word, unit, seconds=RESTART_SECONDS)
        machine.log(f"{done} of {unit}")
    else:
        machine.run("systemctl", "reset-failed", unit)
        machine.must("systemctl", *now, "start", unit, seconds=RESTART_SECONDS)
        machine.log(f"started {unit}")
    remember(machine, unit, wanted)


def restart(machine: Machine, unit: str, paths: Sequence[str]) -> None:
    """Restarts a unit, whatever it runs with. Whether it is well then is for the caller's probe, which says more."""
    machine.unit = unit
    wanted = fingerprint(machine, paths)
    machine.must("systemctl", "daemon-reload")
    machine.run("systemctl", "reset-failed", unit)
    ended = machine.run("systemctl", "restart", unit, seconds=RESTART_SECONDS)
    if not ended:
        machine.log(f"systemctl restart {unit} ended with status {ended.status}")
    machine.log(f"restart of {unit}")
    remember(machine, unit, wanted)


def disable(machine: Machine, *units: str) -> None:
    """What this role does not use neither runs nor starts at boot. Units that are not installed are fine."""
    for unit in units:
        if machine.run("systemctl", "is-enabled", "--quiet", unit):
            machine.must("systemctl", "--quiet", "disable", unit)
            machine.log(f"disabled {unit}")
        if machine.booted() and is_active(machine, unit):
            machine.must("systemctl", "stop", unit, seconds=RESTART_SECONDS)
            machine.log(f"stopped {unit}")
