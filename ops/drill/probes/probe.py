"""A question asked again and again in the background, and the arithmetic of its answers."""

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import pairwise

from ops.drill.waiting import DrillError

#: A probe ends by itself after this time, whatever becomes of the drill, in seconds.
LONGEST = 3600.0
#: How long the numbers of acknowledged writes may take to be read back, in seconds.
READ_BACK_SECONDS = 60.0


@dataclass
class Answers:
    """When questions were asked that were answered well or badly, on the clock of time.monotonic."""

    good: list[float] = field(default_factory=list)
    bad: list[float] = field(default_factory=list)
    last_error: str = ""
    ended: float | None = None
    """When the probe was stopped; what was not answered by then is part of the last gap."""

    def longest_gap(self, since: float = 0.0) -> float:
        """Seconds between the two good answers that lie furthest apart, of those gaps that end after `since`.

        Infinite when nothing was answered well.
        """
        if not self.good:
            return float("inf")
        times = sorted(self.good)
        if self.ended is not None and self.bad and max(self.bad) > times[-1]:
            times.append(self.ended)
        return max((b - a for a, b in pairwise(times) if b > since), default=float("inf"))

    def failed(self, since: float = 0.0) -> int:
        """How many questions asked after `since` had no good answer."""
        return sum(moment > since for moment in self.bad)

    def first_bad(self, since: float) -> float | None:
        """When the first question after `since` was asked that had no good answer."""
        return min((moment for moment in self.bad if moment > since), default=None)

    def answered_since(self, moment: float, times: int = 5) -> bool:
        """Whether the last `times` questions asked after `moment` were all answered well."""
        last_bad = max(self.bad, default=0.0)
        return len([t for t in self.good if t > moment and t > last_bad]) >= times


@dataclass
class Outage:
    """What one probe saw from the fault to the end."""

    asked: int
    failed: int
    longest_gap: float | None
    """Seconds between the two good answers that lie furthest apart; None when none was good."""
    acknowledged: int = 0
    lost: int = 0
    """Acknowledged writes that the platform no longer has at the end."""
    last_error: str = ""


class Probe(ABC):
    """Asks in a thread of its own. Subclasses say what: `ask` returns after a good answer, raises after a bad one."""

    name = ""
    interval = 0.2
    """Seconds between two questions."""
    timeout = 1.0
    """Seconds that one may take."""
    side_by_side = False
    """Whether the next question is asked while one still waits: then a hanging one hides nothing."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.numbers: set[int] = set()
        """The acknowledged writes; empty for a probe that only reads."""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"probe {self.name}", daemon=True)
        self._asking: set[threading.Thread] = set()

    def prepare(self) -> None:
        """Create what the first question needs. May raise."""

    def remove(self) -> None:
        """Remove what `prepare` made. May raise."""

    @abstractmethod
    def ask(self) -> None:
        """One question. Raises when the answer is not good or does not come within `timeout`."""

    def acknowledged(self) -> set[int]:
        """A copy of the numbers of acknowledged writes."""
        return set(self.numbers)

    def kept(self) -> set[int]:
        """The numbers that the platform still has; asked after the end. May raise."""
        return set()

    def lost_writes(self, seconds: float = READ_BACK_SECONDS) -> set[int]:
        """Acknowledged numbers that the platform no longer has. Raises DrillError when they cannot be read back."""
        acknowledged = self.acknowledged()
        end = time.monotonic() + seconds
        while acknowledged:
            try:
                return acknowledged - self.kept()
            except Exception as error:
                # Any failure to read is one more reason to read again, until the time is up.
                if time.monotonic() > end:
                    raise DrillError(
                        f"{self.name}: the writes could not be read back within {seconds:.0f} s: {error}"
                    ) from error
            time.sleep(1)
        return set()

    def outage(self, since: float) -> Outage:
        """What the probe, now stopped, saw after `since` (time.monotonic). Counts all its writes, earlier ones too."""
        answers = self.answers
        failed, gap = answers.failed(since), answers.longest_gap(since)
        asked = failed + sum(moment > since for moment in answers.good)
        longest = None if gap == float("inf") else gap
        return Outage(asked, failed, longest, acknowledged=len(self.numbers), last_error=answers.last_error)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for what was asked."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10 * self.timeout)
        for thread in list(self._asking):
            thread.join(2 * self.timeout)
        self.answers.ended = time.monotonic()
        self.close()

    def close(self) -> None:
        """Give back connections."""

    def _once(self) -> None:
        asked, error = time.monotonic(), ""
        try:
            self.ask()
        except Exception as exception:
            # Whatever goes wrong is a bad answer: the probe itself must outlive everything that it measures.
            error = f"{type(exception).__name__}: {exception}"
        with self._lock:
            if error:
                self.answers.bad.append(asked)
                self.answers.last_error = error
            else:
                self.answers.good.append(asked)
            self._asking.discard(threading.current_thread())

    def _loop(self) -> None:
        end = time.monotonic() + LONGEST
        while not self._stop.is_set() and time.monotonic() < end:
            if self.side_by_side:
                thread = threading.Thread(target=self._once, daemon=True)
                with self._lock:
                    self._asking.add(thread)
                thread.start()
            else:
                self._once()
            self._stop.wait(self.interval)


class WriteProbe(Probe):
    """Writes one number after the other; a number counts as acknowledged when the platform has answered well."""

    interval = 0.25

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def ask(self) -> None:
        """Write the next number."""
        self.number += 1
        self.write(self.number)
        self.numbers.add(self.number)

    @abstractmethod
    def write(self, number: int) -> None:
        """One write. Raises when it is not acknowledged within `timeout`."""
