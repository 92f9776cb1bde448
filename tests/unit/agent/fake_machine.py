"""A machine for tests: its files in a folder, a clock that the test moves, and programs that only answer."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.clock import Clock
from agent.machine import Machine
from agent.programs import NOT_FOUND, Ended

#: What a program answers: how it ended, what it printed, or a function of its words and its standard input.
Answer = str | Ended | Callable[[tuple[str, ...], str], "str | Ended | None"]


class FakeClock(Clock):
    """Time passes only while somebody sleeps. `at` makes something happen at a time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.events: list[tuple[float, Callable[[], object]]] = []

    def at(self, seconds: float, event: Callable[[], object]) -> None:
        """Calls `event` so many seconds from now."""
        self.events.append((self.seconds + seconds, event))

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        due = [event for event in self.events if event[0] <= self.seconds]
        self.events = [event for event in self.events if event[0] > self.seconds]
        for _, event in sorted(due, key=lambda one: one[0]):
            event()


class FakeMachine(Machine):
    """`programs` are looked through from the newest: the first whose words begin a call answers it."""

    clock: FakeClock

    def __init__(self, root: Path, name: str = "machine") -> None:
        super().__init__(name, root, FakeClock())
        self.programs: list[tuple[tuple[str, ...], Answer]] = []
        self.calls: list[tuple[str, ...]] = []
        self.lines: list[str] = []

    def add_program(self, words: str, answer: Answer = "") -> None:
        """What a call answers that begins with these words."""
        self.programs.append((tuple(words.split()), answer))

    def run(
        self, *words: "str | Path", seconds: float = 60, given: str = "", environment: Mapping[str, str] | None = None
    ) -> Ended:
        del seconds, environment
        call = tuple(map(str, words))
        self.calls.append(call)
        for prefix, answer in reversed(self.programs):
            if call[: len(prefix)] == prefix:
                found = answer(call, given) if callable(answer) else answer
                return found if isinstance(found, Ended) else Ended(0, found or "")
        return Ended(NOT_FOUND, errors=f"{call[0]}: no such program in this test")

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
