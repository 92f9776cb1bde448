"""Waiting for the platform, and the error that ends a drill's step."""

import time
from collections.abc import Callable

from ops.shared.errors import OpsError


class DrillError(OpsError):
    """A step of a drill failed or took too long; the message says which and what it saw."""


def until(condition: Callable[[], bool], what: str, seconds: float, interval: float = 0.5) -> None:
    """Look until `condition` holds, at most `seconds` long. Raises DrillError naming `what`."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise DrillError(f"{what}: not within {seconds:.0f} s")
        time.sleep(interval)
