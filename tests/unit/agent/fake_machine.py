"""A machine in a folder: with programs that answer from a list, and a clock that moves only when somebody sleeps."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.clock import Clock
from agent.machine import Machine
from agent.programs import Ended

Answer = Ended | str | Callable[[tuple[str, ...]], Ended | str]


class FakeClock(Clock):
    """Sleeping takes no time, and moves it. Things may happen meanwhile: `at`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.events: list[tuple[float, Callable[[], object]]] = []

    def at(self, seconds: float, event: Callable[[], object]) -> None:
        """Calls `event` so many seconds from now."""
        self.events.append((self.seconds + seconds, event))

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 29, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        due = [event for event in self.events if event[0] <= self.seconds]
        self.events = [event for event in self.events if event[0] > self.seconds]
        for _, event in sorted(due, key=lambda one: one[0]):
            event()


class FakeMachine(Machine):
    """`programs`: the answer to every call that begins with these words; the newest that fits counts.

    An answer is what the program writes, how it ends, or a function of all its words. A call that fits none is an error
    of the test. `calls` has all of them, `inputs` what each was given, `lines` what was logged.
    """

    clock: FakeClock

    def __init__(self, root: Path, name: str = "machine-0") -> None:
        super().__init__(name, root, FakeClock())
        self.programs: list[tuple[tuple[str, ...], Answer]] = []
        self.calls: list[tuple[str, ...]] = []
        self.inputs: list[str] = []
        self.lines: list[str] = []

    def answer(self, *words: str, by: Answer = "") -> None:
        """From now on calls that begin with these words get this answer."""
        self.programs.append((words, by))

    def run(
        self, *words: str | Path, seconds: float = 60, given: str = "", environment: Mapping[str, str] | None = None
    ) -> Ended:
        call = tuple(map(str, words))
        self.calls.append(call)
        self.inputs.append(given)
        for prefix, answer in reversed(self.programs):
            if call[: len(prefix)] == prefix:
                ended = answer if isinstance(answer, Ended | str) else answer(call)
                return Ended(0, ended) if isinstance(ended, str) else ended
        raise AssertionError(f"nobody expects {' '.join(call)}")

    def log(self, text: str) -> None:
        self.lines.append(text)

    @property
    def said(self) -> str:
        """All lines that were logged."""
        return "\n".join(self.lines)

    def put(self, path: str, content: str) -> Path:
        """A file that is there."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file
