"""This machine's etcd: where its files are, and how it and the other members are reached."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from agent import programs
from agent.etcd_api import Etcd, PortState, Tls, port_state
from agent.machine import Machine

DATA: Final = "/var/lib/etcd"
#: On the machine's own disk also when etcd's data has a volume: what takes one must not take the other.
BACKUPS: Final = "/var/lib/etcd-backup"
INITIAL: Final = "/etc/etcd/initial.env"
UNIT: Final = "etcd.service"
CLIENT_PORT: Final = 2379
PEER_PORT: Final = 2380

Connect = Callable[[Sequence[str], Tls | None, float], Etcd]


class Process(Protocol):
    """A program that runs beside this one."""

    def poll(self) -> int | None:
        """Its exit status; None as long as it runs."""

    def terminate(self) -> None:
        """Asks it to end."""

    def kill(self) -> None:
        """Ends it."""

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end. Raises subprocess.TimeoutExpired."""


def start_program(words: Sequence[str], log_file: Path) -> Process:
    """Starts a program whose output goes to a file. It is not waited for, so its words must bound its time."""
    with log_file.open("wb") as log:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": programs.PATH, "LC_ALL": "C"}
        )


@dataclass(frozen=True)
class Access:
    """How etcd is reached and started; tests have their own."""

    connect: Connect = Etcd
    start: Callable[[Sequence[str], Path], Process] = start_program
    port_state: Callable[[str, int], PortState] = port_state

    def member(self, machine: Machine, address: str, seconds: float = 5.0) -> Etcd:
        """The member at that address, by this machine's client certificate."""
        return self.connect((endpoint(address),), client_tls(machine), seconds)


def endpoint(address: str) -> str:
    """Where a member serves its clients."""
    return f"https://{address}:{CLIENT_PORT}"


def client_tls(machine: Machine) -> Tls:
    """The certificate by which this machine asks members; people use it too."""
    pki = machine.path("/etc/etcd/pki")
    return Tls(pki / "ca.crt", pki / "client.crt", pki / "client.key")


def database(machine: Machine) -> Path:
    """The file of this member's database."""
    return machine.path(f"{DATA}/member/snap/db")


def has_data(machine: Machine) -> bool:
    """Whether this machine has a member's data."""
    return any(machine.path(f"{DATA}/member/wal").glob("*.wal"))
