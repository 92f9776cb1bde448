"""A machine whose disk is a folder, whose clock the test moves, and whose programs answer what the test says."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

from agent import programs
from agent.clock import Clock
from agent.machine import Machine
from agent.programs import Ended

#: What a program answers: how it ends, what it prints when it succeeds, or what is decided from its words and input.
Answer = Ended | str | Callable[[tuple[str, ...], str], Ended]


class FakeClock(Clock):
    """Time passes only when somebody sleeps, or when the test adds to `seconds`."""

    def __init__(self, begin: datetime = datetime(2026, 1, 1, tzinfo=timezone.utc)) -> None:  # noqa: UP017
        self.begin = begin
        self.seconds = 0.0
        #: Called after each sleep: what happens meanwhile.
        self.meanwhile: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.begin + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.meanwhile()


class FakeMachine(Machine):
    """Records the calls of all programs, and the lines of the log."""

    def __init__(self, root: Path, name: str = "machine-0") -> None:
        self.fake_clock = FakeClock()
        super().__init__(name, root, self.fake_clock)
        #: A prefix of words, and the answer. The last one that fits counts, so that a test can change its mind.
        self.programs: list[tuple[tuple[str, ...], Answer]] = [(("logger",), "")]
        self.calls: list[tuple[str, ...]] = []
        self.lines: list[str] = []

    def run(
        self, *words: str | Path, seconds: float = 60, given: str = "", environment: Mapping[str, str] | None = None
    ) -> Ended:
        del seconds, environment
        plain = tuple(map(str, words))
        self.calls.append(plain)
        for prefix, answer in reversed(self.programs):
            if plain[: len(prefix)] == prefix:
                if isinstance(answer, str):
                    return Ended(0, answer)
                return answer if isinstance(answer, Ended) else answer(plain, given)
        raise AssertionError(f"no answer for: {' '.join(plain)}")

    def log(self, text: str) -> None:
        self.lines.append(f"{self.step_name}: {text}")


def real(words: tuple[str, ...], given: str) -> Ended:
    """An answer: that of the program itself."""
    return programs.run(words, 60, given)
