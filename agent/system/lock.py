"""Locks between runs on one machine. A lock ends with the run that holds it, however that ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import Final

from agent.machine import Failed, Machine, NotYet

#: Keeps two runs on one machine apart.
ONE_RUN: Final = "/opt/openstack-paas/.lock"


@contextlib.contextmanager
def hold(machine: Machine, target: str, wait_seconds: float, what: str) -> Iterator[None]:
    """Holds the lock on a file. `what` is what runs as long as somebody else holds it.

    Raises Failed when it is not free within so many seconds, at once with 0.
    """
    path = machine.path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    # No program inherits it: Python's files are not inheritable.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take() -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotYet(f"{what} is still running") from None

    try:
        if wait_seconds:
            machine.retry_until(wait_seconds, f"the end of {what}", take)
        else:
            try:
                take()
            except NotYet:
                raise Failed(f"{what} is in progress on this machine") from None
        yield
    finally:
        os.close(descriptor)
