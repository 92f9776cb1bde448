"""Ctrl-C and `kill`: an interruption ends a drill early, but never in the middle of its repair."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While it is open, the first signal raises KeyboardInterrupt and closes it; closed, signals only get an answer.

    One switch and not two handlers after each other: at no moment between them can a signal interrupt the repair.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.open = True
        self._previous: dict[int, object] = {}

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if self.open:
            self.open = False
            raise KeyboardInterrupt
        self.say("the platform is being repaired first; every step of that has a time limit")

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._arrived) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
