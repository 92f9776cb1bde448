"""The ways from a member to its cluster: what of etcd's API the state machines use, and with which certificates."""

from contextlib import AbstractContextManager
from typing import Final, Protocol

from agent import etcd_api
from agent.etcd_api import Etcd, EtcdError, Member, PortState, Status, Tls
from agent.machine import Machine

PKI: Final = "/etc/etcd/pki"
CLIENT_PORT: Final = 2379
PEER_PORT: Final = 2380


class Held(Protocol):
    """A lock that is held."""

    def check(self) -> None:
        """Raises LockLost when another one may hold it."""


class Api(Protocol):
    """What of etcd's API the state machines of a member use (agent/etcd_api.py has all of it)."""

    def members(self) -> tuple[Member, ...]: ...
    def add_learner(self, peer_url: str) -> Member: ...
    def remove(self, member_id: int) -> None: ...
    def promote(self, member_id: int) -> None: ...
    def move_leader(self, member_id: int) -> None: ...
    def status(self) -> Status: ...
    def check_health(self) -> None: ...
    def cluster_version(self) -> str: ...
    def get_prefix(self, prefix: str) -> dict[str, bytes]: ...
    def put(self, key: str, value: str) -> None: ...
    def lock(self, name: str, wait_seconds: float, ttl: int = 30) -> AbstractContextManager[Held]: ...


class Network(Protocol):
    """The ways from this machine to the members."""

    def api(self, *endpoints: str) -> Api:
        """etcd's API at these client URLs, in their order: the first that answers."""

    def peer_members(self, address: str) -> tuple[Member, ...]:
        """The members as that peer knows them, also without a leader. Raises EtcdError."""

    def port_state(self, address: str, port: int) -> PortState:
        """What becomes of a connection."""


class TlsNetwork:
    """The real ways, with the certificates of this machine."""

    def __init__(self, machine: Machine) -> None:
        """The certificates are read at each connection: the run itself may bring new ones."""
        pki = machine.path(PKI)
        self._client = Tls(pki / "ca.crt", pki / "client.crt", pki / "client.key")
        self._peer = Tls(pki / "ca.crt", pki / "peer.crt", pki / "peer.key")

    def api(self, *endpoints: str) -> Api:
        """etcd's API at these client URLs."""
        return Etcd(endpoints, self._client)

    def peer_members(self, address: str) -> tuple[Member, ...]:
        """The members as that peer knows them."""
        return etcd_api.peer_members(address, self._peer)

    def port_state(self, address: str, port: int) -> PortState:
        """What becomes of a connection."""
        return etcd_api.port_state(address, port)


def is_healthy(api: Api) -> bool:
    """Whether it answers with a majority behind it."""
    try:
        api.check_health()
    except EtcdError:
        return False
    return True


def leads(api: Api) -> bool:
    """Whether the member there is the leader; no when it does not answer."""
    try:
        status = api.status()
    except EtcdError:
        return False
    return status.member_id != 0 and status.member_id == status.leader


def is_full(error: EtcdError) -> bool:
    """Whether etcd refused because of the alarm NOSPACE. It takes no puts and no leases then, and so gives no lock."""
    return "database space exceeded" in str(error)
