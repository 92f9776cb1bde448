"""etcd. A stand-in until the module of that name is merged: only what others rely on."""

from enum import Enum


class EtcdError(Exception):
    """etcd answered, and refused."""


class NoAnswer(EtcdError):
    """Nobody answered within the time; what was asked may have been done."""


class LockLost(EtcdError):
    """Another one may hold the lock."""


class PortState(Enum):
    """What becomes of a connection."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"


def port_state(address: str, port: int, seconds: float = 2.0) -> PortState:
    """What becomes of a connection to the port."""
    raise NotImplementedError
