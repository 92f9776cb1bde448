"""Waits for a condition with a time limit, by polling, never by a fixed sleep."""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from dev.errors import DevError
from dev.lab.command import tail


def until(condition: Callable[[], bool], what: str, limit: float, log: Path | None = None, pause: float = 0.1) -> None:
    """Poll `condition` until it is true. Raises DevError with `what` and the end of `log` after `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise DevError(f"{what} within {limit:.0f} s{tail(log)}")
        time.sleep(pause)


def listens(address: str, port: int) -> bool:
    """Whether a TCP connection can be opened."""
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def answers(url: str) -> bool:
    """Whether a web server answers there with anything but a server error."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
