"""Many questions at once, none of which can hold up the answers of the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")

#: So many run at once; the others wait, within the same limit.
AT_ONCE = 64


class Questions(Generic[T]):
    """Asked from the moment on that they are added; `answers` is there at the deadline, whatever hangs by then."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._asked: dict[str, Future[T]] = {}

    def ask(self, name: str, question: Callable[[], T]) -> Future[T]:
        """Begins; the Future is for questions that need this one's answer."""
        future: Future[T] = Future()
        self._asked[name] = future

        def answer() -> None:
            try:
                with self._places:
                    value = question()
            except BaseException as error:
                # Whatever it is becomes a line on the screen.
                future.set_exception(error)
            else:
                future.set_result(value)

        # Not a pool: Python would wait for its threads at exit, also for those that hang.
        threading.Thread(target=answer, name=f"status {name}", daemon=True).start()
        return future

    def left(self) -> float:
        """Seconds until the deadline, never less than a tenth."""
        return max(self.deadline - time.monotonic(), 0.1)

    def answers(self) -> tuple[dict[str, T], dict[str, str]]:
        """Answers by name, and by name why there is none. Waits until the deadline at most."""
        values: dict[str, T] = {}
        errors: dict[str, str] = {}
        for name, future in self._asked.items():
            try:
                values[name] = future.result(self.left())
            except TimeoutError:
                # Also what a question itself raises when something took too long for it.
                errors[name] = _words(future) if future.done() else f"no answer within {self.seconds:.0f} s"
            except Exception:
                errors[name] = _words(future)
        return values, errors


def _words(future: Future[T]) -> str:
    error = future.exception()
    return " ".join(str(error).split()) or type(error).__name__
