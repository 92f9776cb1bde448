"""etcd's API. A stand-in until the module of that name is merged: only what others rely on."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


@dataclass(frozen=True)
class Tls:
    """Who is trusted, and who asks."""

    ca: Path
    certificate: Path
    key: Path


class EtcdError(Exception):
    """etcd answered, and refused."""

    def __init__(self, text: str = "", code: int = 0) -> None:
        """`code` is gRPC's."""
        super().__init__(text)
        self.code = code


class NoAnswer(EtcdError):
    """Nobody answered within the time; what was asked may have been done."""


class LockLost(EtcdError):
    """Another one may hold the lock."""


@dataclass(frozen=True)
class Member:
    """A member as the cluster lists it."""

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool


@dataclass(frozen=True)
class Status:
    """What a member says of itself."""

    member_id: int
    leader: int
    version: str
    revision: int
    db_size: int
    db_in_use: int
    is_learner: bool
    raft_index: int
    raft_applied_index: int
    errors: tuple[str, ...]


class Lock:
    """A lock that is held."""

    def check(self) -> None:
        """Raises LockLost."""
        raise NotImplementedError


class PortState(Enum):
    """What becomes of a connection."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"


class Etcd:
    """etcd at these endpoints, in their order: the first that answers."""

    def __init__(self, endpoints: Sequence[str], tls: Tls | None, seconds: float = 5.0) -> None:
        """Nothing is asked yet."""
        self.endpoints, self.tls, self.seconds = tuple(endpoints), tls, seconds

    def members(self) -> tuple[Member, ...]:
        """The members, linearizable."""
        raise NotImplementedError

    def add_learner(self, peer_url: str) -> Member:
        """One more member, which does not vote yet."""
        raise NotImplementedError

    def remove(self, member_id: int) -> None:
        """One member less."""
        raise NotImplementedError

    def promote(self, member_id: int) -> None:
        """The learner votes."""
        raise NotImplementedError

    def move_leader(self, member_id: int) -> None:
        """The leader gives its lead to that one."""
        raise NotImplementedError

    def status(self) -> Status:
        """What the member says of itself."""
        raise NotImplementedError

    def check_health(self) -> None:
        """Raises EtcdError unless a linearizable read succeeds."""
        raise NotImplementedError

    def cluster_version(self) -> str:
        """The version that the cluster agrees on."""
        raise NotImplementedError

    def get_prefix(self, prefix: str) -> dict[str, bytes]:
        """All keys that begin so."""
        raise NotImplementedError

    def put(self, key: str, value: str) -> None:
        """Writes one key."""
        raise NotImplementedError

    def lock(self, name: str, wait_seconds: float, ttl: int = 30) -> AbstractContextManager[Lock]:
        """The lock, once it is held."""
        raise NotImplementedError


def peer_members(address: str, tls: Tls, seconds: float = 3.0) -> tuple[Member, ...]:
    """The members as that peer knows them, also without a leader."""
    raise NotImplementedError


def port_state(address: str, port: int, seconds: float = 2.0) -> PortState:
    """What becomes of a connection to the port."""
    raise NotImplementedError
