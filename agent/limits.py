"""What ends a run before its own end: a signal from outside, and the time limit over all of it."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Final

from agent.programs import BY_SIGNAL, TIMED_OUT

#: Seconds that a run has to tidy up after its time limit: programs get two times 8 s (agent/programs.py).
TIDY_SECONDS: Final = 20.0


class Stopped(BaseException):
    """The run has to end, so that it tidies up and says where it was. `status` is its exit status.

    Not an Exception, and not Failed: whoever handles the failure of one attempt must not handle this.
    """

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@contextlib.contextmanager
def stop_on_signals() -> Iterator[None]:
    """SIGTERM and SIGINT end the run. A terminal that is lost (SIGHUP) does not."""

    def stop(number: int, frame: object) -> None:
        del frame
        _ignore_further()
        raise Stopped(f"stopped from outside ({signal.Signals(number).name})", BY_SIGNAL + number)

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def time_limit(seconds: float, say: Callable[[str], object], tidy_seconds: float = TIDY_SECONDS) -> Iterator[None]:
    """Ends what is within after so many seconds; the whole process when it has not tidied up a while later.

    `say` gets the last words of a process that ends so hard.
    """
    ended = threading.Event()

    def stop(number: int, frame: object) -> None:
        del number, frame
        _ignore_further()
        raise Stopped(f"the run has not ended within {seconds:g} s", TIMED_OUT)

    def kill() -> None:
        if not ended.wait(seconds + tidy_seconds):
            # Saying it may take forever too, where nobody reads.
            words = f"FAILED: the run does not end by itself, killed {tidy_seconds:g} s after its limit\n"
            threading.Thread(target=say, args=(words,), daemon=True).start()
            ended.wait(1)
            os._exit(BY_SIGNAL + signal.SIGKILL)

    signal.signal(signal.SIGALRM, stop)
    threading.Thread(target=kill, daemon=True).start()
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        ended.set()


def _ignore_further() -> None:
    """A second signal must not break into the tidying up."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
