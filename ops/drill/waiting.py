"""Waiting for the platform, and the error that ends a drill's step."""

from __future__ import annotations

import time
from collections.abc import Callable


class DrillError(Exception):
    """A step of a drill failed or took too long; the message says which and what it saw."""


def now_if(condition: bool) -> float | None:
    """This moment when the condition holds: for what can only be seen by looking again and again."""
    return time.monotonic() if condition else None


def until(condition: Callable[[], bool], what: str, seconds: float, interval: float = 0.5) -> float:
    """Probe until `condition` holds; returns the seconds it took. Raises DrillError naming `what`."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise DrillError(f"{what}: not within {seconds:.0f} s")
        time.sleep(interval)
    return time.monotonic() - began
