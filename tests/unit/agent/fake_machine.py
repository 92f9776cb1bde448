"""A machine for tests: files below a folder, a clock that tests move, programs that answer what a test says."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent import programs
from agent.clock import Clock
from agent.machine import Machine
from agent.programs import Ended

#: How a program answers: how it ended, what it printed with success, its status, or a function of words and input.
#: A function that returns nothing has succeeded.
Answer = Ended | str | int | Callable[[tuple[str, ...], str], Ended | str | int | None]


class FakeClock(Clock):
    """Time passes only by `sleep`. `events` (moment, action) happen when their moment has come."""

    def __init__(self, began: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)) -> None:
        self.began = began
        self.seconds = 0.0
        self.events: list[tuple[float, Callable[[], object]]] = []

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        due = sorted((event for event in self.events if event[0] <= self.seconds), key=lambda event: event[0])
        self.events = [event for event in self.events if event[0] > self.seconds]
        for _, action in due:
            action()

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """`action` happens once so many seconds from now have passed."""
        self.events.append((self.seconds + seconds, action))


class FakeMachine(Machine):
    """`programs` are (prefix of words, answer); the last that matches counts. A call that fits none fails the test.

    `calls` are the words of all that ran, `inputs` what each was given, `lines` what was logged, and `logged`
    the same with the step of each line.
    """

    clock: FakeClock

    def __init__(self, root: Path, name: str = "machine-0", clock: FakeClock | None = None) -> None:
        super().__init__(name, root, clock or FakeClock())
        self.programs: list[tuple[tuple[str, ...], Answer]] = []
        self.calls: list[tuple[str, ...]] = []
        self.inputs: list[str] = []
        self.lines: list[str] = []
        self.logged: list[tuple[str, str]] = []

    def answer(self, words: str, answer: Answer = 0) -> None:
        """From now on a program that begins with `words` ends so; see `Answer`."""
        self.programs.append((tuple(words.split()), answer))

    def real(self, *names: str) -> None:
        """These programs are the real ones."""
        for name in names:
            self.answer(name, lambda words, given: programs.run(words, 60, given))

    def run(
        self, *words: "str | Path", seconds: float = 60, given: str = "", environment: Mapping[str, str] | None = None
    ) -> Ended:
        plain = tuple(map(str, words))
        self.calls.append(plain)
        self.inputs.append(given)
        for prefix, answer in reversed(self.programs):
            if plain[: len(prefix)] == prefix:
                found = answer(plain, given) if callable(answer) else answer
                if isinstance(found, Ended):
                    return found
                return Ended(found) if isinstance(found, int) else Ended(0, found or "")
        raise AssertionError(f"nobody said what this answers: {' '.join(plain)}")

    def log(self, text: str) -> None:
        self.lines.append(text)
        self.logged.append((self.step_name, text))

    @property
    def said(self) -> str:
        """All log lines."""
        return "\n".join(self.lines)

    @property
    def steps(self) -> list[str]:
        """The steps that have ended, in their order."""
        return [step for step, text in self.logged if text.startswith("done in ")]

    def called(self, words: str) -> list[str]:
        """The calls that begin with these words, as one line each."""
        prefix = tuple(words.split())
        return [" ".join(call) for call in self.calls if call[: len(prefix)] == prefix]

    def write(self, path: str, content: str = "", mode: int = 0o644) -> Path:
        """A file of this machine, as a test needs it."""
        here = self.path(path)
        here.parent.mkdir(parents=True, exist_ok=True)
        here.write_text(content)
        here.chmod(mode)
        return here


class FakeSystemd:
    """Units of a fake machine: `states` by name, what is enabled, and the verbs that changed anything, as `calls`."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine = machine
        self.states: dict[str, str] = {}
        self.enabled: set[str] = set()
        self.properties: dict[tuple[str, str], str] = {}
        self.calls: list[str] = []
        #: What else happens at a verb of a unit, by "verb unit": an answer that is not None takes the place of success.
        self.actions: dict[str, Callable[[], Ended | int | None]] = {}
        machine.path("/run/systemd/system").mkdir(parents=True)
        machine.answer("systemctl", self.systemctl)

    def systemctl(self, words: tuple[str, ...], given: str) -> Ended | int | str:
        del given
        verb, *units = (word for word in words[1:] if not word.startswith("-"))
        unit = units[0] if units else ""
        state = self.states.get(unit, "inactive")
        if verb == "show":
            name = next(word.split("=")[1] for word in words if word.startswith("--property="))
            return self.properties.get((unit, name), state if name == "ActiveState" else "") + "\n"
        if verb == "is-active":
            return 0 if state == "active" else 3
        if verb == "is-enabled":
            return 0 if unit in self.enabled else 1
        self.calls.append(f"{verb} {unit}".strip())
        action = self.actions.get(f"{verb} {unit}".strip())
        answer = action() if action else None
        if answer is not None and answer != 0:
            return answer
        if verb in ("start", "restart", "reload-or-restart", "reload"):
            self.states[unit] = "active"
        elif verb == "stop":
            self.states[unit] = "inactive"
        elif verb == "enable":
            self.enabled.add(unit)
        elif verb == "disable":
            self.enabled.discard(unit)
        return 0
