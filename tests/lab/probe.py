"""Asks the API through the VIP's floating IP again and again, each time over a new TLS connection."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

#: Seconds between two questions, and how long one may take.
INTERVAL = 0.2
TIMEOUT = 1.0


@dataclass
class Answers:
    """When a question was asked that was answered well, on the clock of time.monotonic."""

    good: list[float] = field(default_factory=list)
    bad: list[float] = field(default_factory=list)

    def longest_gap(self) -> float:
        """Seconds between the two good answers that lie furthest apart."""
        times = sorted(self.good)
        return max((b - a for a, b in pairwise(times)), default=float("inf"))

    def answered_since(self, moment: float, times: int = 5) -> bool:
        """Whether the last `times` questions asked after `moment` were all answered well."""
        last_bad = max(self.bad, default=0.0)
        return len([t for t in self.good if t > moment and t > last_bad]) >= times


def _ask(host: str, context: ssl.SSLContext, answers: Answers, lock: threading.Lock) -> None:
    asked, ok = time.monotonic(), False
    connection = http.client.HTTPSConnection(host, 6443, timeout=TIMEOUT, context=context)
    try:
        connection.request("GET", "/readyz")
        ok = connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        ok = False
    finally:
        connection.close()
    with lock:
        (answers.good if ok else answers.bad).append(asked)


@contextmanager
def probing(host: str, certificate_authority: str) -> Iterator[Answers]:
    """Probe in the background while the block runs; at most ten minutes."""
    context = ssl.create_default_context(cadata=certificate_authority)
    answers, lock, stop = Answers(), threading.Lock(), threading.Event()

    def loop() -> None:
        end = time.monotonic() + 600
        while not stop.is_set() and time.monotonic() < end:
            threading.Thread(target=_ask, args=(host, context, answers, lock), daemon=True).start()
            stop.wait(INTERVAL)

    asking = threading.Thread(target=loop, daemon=True)
    asking.start()
    try:
        yield answers
    finally:
        stop.set()
        asking.join()
        end = time.monotonic() + 2 * TIMEOUT
        while threading.active_count() > 1 and time.monotonic() < end:
            time.sleep(0.05)
