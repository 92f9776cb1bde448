"""Allows one build at a time in a cache folder."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.errors import DevError

#: Seconds to wait for another build. A complete build took less on the smallest machine we tried.
WAIT_LIMIT = 45 * 60

_PAUSE = 0.5


@contextmanager
def build_lock(path: Path, say: Callable[[str], None], limit: float = WAIT_LIMIT) -> Iterator[None]:
    """Hold the lock file, after waiting for another process that has it. The kernel frees it when its holder ends."""
    with path.open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + limit
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                if time.monotonic() > deadline:
                    raise DevError(f"another build (process {holder}) holds {path}; waited {limit:.0f} s") from None
                if not waiting:
                    say(f"waiting for another build (process {holder})")
                    waiting = True
                time.sleep(_PAUSE)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
