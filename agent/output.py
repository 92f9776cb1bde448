"""What a run says: to its reader, who may be gone, and to a file that says how the run went."""

import contextlib
import io
import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

#: Seconds after which a run says something, whatever it does: gateways close a way on which nothing is said for three
#: times as long (WAY_SECONDS in machines/gateway/command.py).
WORD_SECONDS: Final = 60.0
#: Shorter lines of a secret are no secret by themselves, and hiding them would hide ordinary words.
SHORTEST_SECRET: Final = 8


class Output(io.TextIOBase):
    """Standard output and standard error of a run. Losing the reader does not end the run."""

    def __init__(self, reader: int) -> None:
        """`reader` is the file descriptor of the connection."""
        self._reader: int | None = reader
        self._file: int | None = None
        self._hidden: tuple[str, ...] = ()
        # Again and again: a signal may end the run, which then says so, while it says something.
        self._lock = threading.RLock()

    def keep(self, file: Path) -> None:
        """Writes to that file too, from now on; root alone may read it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)

    def hide(self, secrets: Iterable[str]) -> None:
        """Leaves these out of all that is said, also line by line."""
        lines = {line.strip() for secret in secrets for line in secret.splitlines()}
        hidden = (line for line in lines if len(line) >= SHORTEST_SECRET and not line.startswith("-----"))
        self._hidden = tuple(sorted(hidden, key=len, reverse=True))

    def without_hidden(self, text: str) -> str:
        """The text as it may be said."""
        for secret in self._hidden:
            text = text.replace(secret, "<hidden>")
        return text

    def write(self, text: str) -> int:
        """Says it at once."""
        data = self.without_hidden(text).encode(errors="replace")
        with self._lock:
            if self._file is not None:
                # A full disk does not end the run.
                with contextlib.suppress(OSError):
                    _write_all(self._file, data)
            self.write_to_reader(data)
        return len(text)

    def write_to_reader(self, data: bytes) -> None:
        """Says it to the reader alone."""
        with self._lock:
            if self._reader is None:
                return
            try:
                _write_all(self._reader, data)
            except OSError:
                # The connection is lost. The run goes on to its end or its limit, and the file says how it went.
                self._reader = None


@contextlib.contextmanager
def words_to_reader(output: Output, name: str, every_seconds: float = WORD_SECONDS) -> Iterator[None]:
    """Says a word to the reader again and again."""
    began, ended = time.monotonic(), threading.Event()

    def say() -> None:
        while not ended.wait(every_seconds):
            output.write_to_reader(f"{name}: {time.monotonic() - began:.0f} s so far\n".encode())

    # A daemon: one that waits for a reader who reads nothing must not keep the run from ending.
    threading.Thread(target=say, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
