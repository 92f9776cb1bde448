"""Progress lines with the seconds since the start and the duration of each step."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Progress:
    """Reports progress on standard error and in a log. To write one line, call it: `progress(text)`."""

    def __init__(self, log: Path | None = None) -> None:
        self.start = time.monotonic()
        self.log = log
        self.lock = threading.Lock()

    def __call__(self, text: str) -> None:
        """Write one line."""
        line = f"[{time.monotonic() - self.start:6.1f} s] {text}"
        with self.lock:
            print(line, file=sys.stderr, flush=True)
            if self.log is not None and self.log.parent.is_dir():
                with self.log.open("a", encoding="utf-8") as file:
                    file.write(time.strftime("%Y-%m-%d %H:%M:%S ") + line + "\n")

    @contextmanager
    def step(self, name: str, quiet: bool = False) -> Iterator[None]:
        """Report how long the block took. A quiet step shorter than half a second is not reported."""
        begin = time.monotonic()
        yield
        seconds = time.monotonic() - begin
        if not quiet or seconds > 0.5:
            self(f"{name}: {seconds:.1f} s")
