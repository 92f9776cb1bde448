"""This machine as a run of the agent sees it: its files, programs and clock, its steps, and what it says of them."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

from agent import programs
from agent.clock import Clock
from agent.programs import Ended, last_lines, without_secrets

Value = TypeVar("Value")

#: Seconds between two looks of a probe; and after which a wait says what it waits for, first and then again and again.
LOOK_SECONDS: Final = 0.3
WORD_SECONDS, NEXT_WORD_SECONDS = 10, 20


class Failed(Exception):
    """The run cannot go on. The text is the one message that people read: what, why, and what to do."""


class NotYet(Exception):
    """What a probe saw in place of what it is looking for; it will be asked again."""


class Machine:
    """What a run works with. `root` is where paths begin: elsewhere than / only in tests."""

    def __init__(self, name: str, root: Path = Path("/"), clock: Clock | None = None) -> None:
        """`name` is the machine's host name, for messages."""
        self.name = name
        self.root = root
        self.clock = clock or Clock()
        self.began = self.clock.monotonic()
        self.step_name = "start"
        #: What a failure shows the end of: the journal of a unit, a program's own log.
        self.unit = ""
        self.log_file: Path | None = None

    def path(self, path: str) -> Path:
        """The absolute path on this machine."""
        return self.root / path.lstrip("/")

    @property
    def state(self) -> Path:
        """Where the platform remembers what it needs between two runs."""
        return self.path("/var/lib/openstack-paas")

    def run(
        self, *words: "str | Path", seconds: float = 60, given: str = "", environment: Mapping[str, str] | None = None
    ) -> Ended:
        """Runs a program, and returns how it ended."""
        return programs.run(tuple(map(str, words)), seconds, given, environment)

    def must(self, *words: "str | Path", what: str = "", seconds: float = 60, given: str = "") -> str:
        """The output of a program that succeeds. Raises Failed with `what` was tried otherwise."""
        ended = self.run(*words, seconds=seconds, given=given)
        if not ended:
            raise Failed(f"{what or ' '.join(map(str, words))} failed: {ended.said}")
        return ended.output

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.clock.monotonic() - self.began

    def log(self, text: str) -> None:
        """One line for the reader and one for the journal."""
        sys.stdout.write(f"[{self.elapsed:6.1f} s] {self.step_name}: {text}\n")
        sys.stdout.flush()
        self.run("logger", "-t", "openstack-paas", "--", f"{self.step_name}: {text}", seconds=5)

    def step(self, name: str, action: Callable[[], Value]) -> Value:
        """Runs one step and says how long it took. A failure shows only what the step itself named."""
        self.step_name, self.unit, self.log_file = name, "", None
        began = self.clock.monotonic()
        value = action()
        self.log(f"done in {self.clock.monotonic() - began:.1f} s")
        return value

    def retry_until(self, seconds: float, what: str, probe: Callable[[], Value]) -> Value:
        """What the probe returns, as soon as it does not raise NotYet. The probe must bound its own time.

        Raises Failed after so many seconds; `what` reads on "waiting for".
        """
        began = self.clock.monotonic()
        next_word = float(WORD_SECONDS)
        while True:
            try:
                return probe()
            except NotYet as seen:
                passed = self.clock.monotonic() - began
                text = str(seen).strip()
                if passed >= seconds:
                    last = last_lines(text, 3) or "nothing"
                    raise Failed(f"waited {seconds:.0f} s for {what}; last seen: {last}") from None
                if passed >= next_word:
                    self.log(f"waiting for {what} ({passed:.0f} s): {last_lines(text, 1) or 'nothing seen'}")
                    # From now: a probe may have taken longer than the time between two words.
                    next_word = passed + NEXT_WORD_SECONDS
            self.clock.sleep(LOOK_SECONDS)

    @contextlib.contextmanager
    def work_folder(self, parent: str = "/run") -> Iterator[Path]:
        """A folder for root alone, in memory unless `parent` is on a disk; gone at the end, however that comes."""
        self.path(parent).mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="openstack-paas-", dir=self.path(parent)))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def booted(self) -> bool:
        """Whether systemd runs here; it does not while an image is baked in a chroot."""
        return self.path("/run/systemd/system").is_dir()

    def ends_of_logs(self) -> str:
        """Of the step's own log and of the journal of its unit."""
        parts = []
        if self.log_file and self.log_file.is_file():
            tail = last_lines(self.log_file.read_text(encoding="utf-8", errors="replace"), 25)
            parts.append(f"--- the end of {self.log_file}\n{tail}\n")
        if self.unit and self.booted():
            words = ("journalctl", "--no-pager", "--quiet", "--output=short", "--lines=25", f"--unit={self.unit}")
            parts.append(f"--- the end of the journal of {self.unit}\n{without_secrets(self.run(*words).output)}")
        return "".join(parts)

    def report(self, failure: str) -> None:
        """Says once that the run has failed, after what the machine itself says about it."""
        message = f"FAILED at step '{self.step_name}' on {self.name} after {self.elapsed:.1f} s: {failure}"
        sys.stderr.write(f"{self.ends_of_logs()}{message}\n")
        self.run("logger", "-t", "openstack-paas", "-p", "user.err", "--", message, seconds=5)
