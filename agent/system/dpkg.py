"""What dpkg has installed, by one look at its list; and whether it runs, or was interrupted."""

import fcntl
import os
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent.machine import Failed, Machine
from agent.system.versions import upstream_version

#: Of its states those in which a package works. With triggers the last step of another package's change is left.
_INSTALLED: Final = ("installed", "triggers-awaited", "triggers-pending")
_FIELDS: Final = r"${Package}\t${db:Status-Status}\t${db:Status-Want}\t${Version}\n"
#: struct flock of Linux, 64 bits (fcntl(2)): type, whence, start, length, process.
_FLOCK: Final = "hhqqi0q"


@dataclass(frozen=True)
class Installed:
    """A package that is installed: its version as Debian writes it, and whether it is held in it."""

    version: str
    is_held: bool


def find_installed(machine: Machine, names: Iterable[str]) -> dict[str, Installed]:
    """Of these packages those that are installed. Raises Failed when dpkg cannot say."""
    asked = tuple(dict.fromkeys(names))
    if not asked:
        return {}
    ended = machine.run("dpkg-query", "--show", "--showformat", _FIELDS, *asked)
    # 1: it does not know one of the names. Above it stand its own failures (dpkg-query(1)).
    if ended.status > 1:
        # Without this everything would count as missing, and would be installed under what serves.
        raise Failed(f"dpkg cannot say what is installed: {ended.said}")
    lines = (line.split("\t") for line in ended.output.splitlines())
    return {name: Installed(version, want == "hold") for name, state, want, version in lines if state in _INSTALLED}


def installed_upstream_version(machine: Machine, name: str) -> str:
    """The upstream version of a package (1.34.2 of 1:1.34.2-1.1); nothing where it is not installed."""
    found = find_installed(machine, (name,)).get(name)
    return upstream_version(found.version) if found else ""


def hold(machine: Machine, names: Iterable[str]) -> None:
    """These packages stay in their version until the platform changes them."""
    if chosen := tuple(names):
        machine.must("apt-mark", "hold", *chosen, what=f"holding {' '.join(chosen)}")


def architecture(machine: Machine) -> str:
    """Debian's word for this machine's architecture: amd64, arm64."""
    return machine.must("dpkg", "--print-architecture").strip()


def was_interrupted(machine: Machine) -> bool:
    """Whether dpkg is in the middle of a change, or was stopped there. apt looks here too, and refuses to work."""
    folder = machine.path("/var/lib/dpkg/updates")
    return folder.is_dir() and any(re.fullmatch("[0-9]+", path.name) for path in folder.iterdir())


def is_running(machine: Machine) -> bool:
    """Whether a dpkg changes packages now. Asks for its lock, and does not take it: a dpkg that starts would fail."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        with machine.path("/var/lib/dpkg/lock").open("rb") as file:
            answer: bytes = fcntl.fcntl(file, fcntl.F_GETLK, asked)
    except FileNotFoundError:
        return False
    kind: int = struct.unpack(_FLOCK, answer)[0]
    return kind != fcntl.F_UNLCK
