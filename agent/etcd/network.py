"""The ways from a member to its cluster, with the certificates of its machine."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent import etcd_api, programs
from agent.etcd_api import Etcd, EtcdError, Member, PortState, Tls
from agent.machine import Machine

PKI: Final = "/etc/etcd/pki"
CLIENT_PORT: Final = 2379
PEER_PORT: Final = 2380


def endpoint(address: str) -> str:
    """Where a member serves its clients."""
    return f"https://{address}:{CLIENT_PORT}"


def tls(machine: Machine, name: str = "client") -> Tls:
    """A certificate of this machine: `client`, by which it asks members, or `peer`. It is read at each connection."""
    pki = machine.path(PKI)
    return Tls(pki / "ca.crt", pki / f"{name}.crt", pki / f"{name}.key")


class Network:
    """The ways from this machine to the members, and to an etcd that it starts beside its own."""

    def __init__(self, machine: Machine) -> None:
        """The run itself may bring new certificates."""
        self._client, self._peer = tls(machine), tls(machine, "peer")

    def api(self, *endpoints: str, seconds: float = 5.0) -> Etcd:
        """etcd's API at these client URLs or sockets, in their order: the first that answers, each within `seconds`."""
        return Etcd(endpoints, self._client, seconds)

    def start(self, words: Sequence[str], log_file: Path) -> "subprocess.Popen[bytes]":
        """Starts a program whose output goes to a file. It is not waited for, so its words must bound its time."""
        environment = {"PATH": programs.PATH, "LC_ALL": "C"}
        with log_file.open("wb") as log:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def peer_members(self, address: str) -> tuple[Member, ...]:
        """The members as that peer knows them, also without a leader. Raises EtcdError."""
        return etcd_api.peer_members(address, self._peer, PEER_PORT)

    def port_state(self, address: str, port: int) -> PortState:
        """What becomes of a connection."""
        return etcd_api.port_state(address, port)


def is_healthy(api: Etcd) -> bool:
    """Whether it answers with a majority behind it."""
    try:
        api.check_health()
    except EtcdError:
        return False
    return True


def leads(api: Etcd) -> bool:
    """Whether the member there is the leader; no when it does not answer."""
    try:
        return api.status().leads
    except EtcdError:
        return False


def is_full(error: EtcdError) -> bool:
    """Whether etcd refused because of the alarm NOSPACE. It takes no puts and no leases then, and so gives no lock."""
    return "database space exceeded" in str(error)
