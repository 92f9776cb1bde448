"""A program in a pseudo-terminal: what it shows is waited for, what is typed goes in as from a keyboard."""

import os
import pty
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

CTRL_C = "\x03"
CTRL_D = "\x04"


class Terminal:
    """Runs `command` in `folder` on a terminal of its own."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.shown, self._seen = "", 0
        self._process, self._keyboard = pty.fork()
        if self._process == 0:
            # A shell that runs the tests in the background has them ignore it.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(folder)
            os.execvpe(command[0], list(command), dict(environment))

    def _read(self, seconds: float) -> bool:
        """Take what has been shown; False at the end of the program."""
        ready, _, _ = select.select([self._keyboard], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._keyboard, 65536)
        except OSError:  # Linux says EIO when the other side has closed.
            return False
        self.shown += data.decode().replace("\r\n", "\n")
        return bool(data)

    def until(self, met: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until the condition is met."""
        end = time.monotonic() + seconds
        while not met():
            alive = self._read(0.1)
            assert alive or met(), f"ended too early:\n{self.shown}"
            assert time.monotonic() < end, f"not within {seconds} s:\n{self.shown}"

    def expect(self, text: str) -> None:
        """Wait until `text` is shown, after what was waited for before."""
        self.until(lambda: text in self.shown[self._seen :])
        self._seen = self.shown.index(text, self._seen) + len(text)

    def type(self, text: str) -> None:
        """Type a line."""
        self.press(text + "\n")

    def press(self, keys: str) -> None:
        """Type keys."""
        os.write(self._keyboard, keys.encode())

    def status(self, seconds: float = 30) -> int:
        """Exit status, once the program has ended."""
        end = time.monotonic() + seconds
        while self._read(0.2):
            assert time.monotonic() < end, f"still runs after {seconds} s:\n{self.shown}"
        _, status = os.waitpid(self._process, 0)
        os.close(self._keyboard)
        return os.waitstatus_to_exitcode(status)
