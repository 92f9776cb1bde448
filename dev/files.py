"""Files that several processes use: written whole or not at all, and locks that name their holder."""

import fcntl
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from dev.errors import DevError


@contextmanager
def hold(path: Path, holder: str, when_busy: Callable[[str], None], limit: float = math.inf) -> Iterator[None]:
    """Hold the lock file and write `holder` into it. The kernel frees it when this process ends.

    If another process has it, `when_busy` is called once with that holder. Raises DevError after `limit` seconds.
    """
    with path.open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + limit
        other = ""
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not other:
                    file.seek(0)
                    other = file.read().strip() or "unknown"
                    when_busy(other)
                if time.monotonic() > deadline:
                    raise DevError(f"another process ({other}) holds {path}; waited {limit:.0f} s") from None
                time.sleep(0.5)
        file.truncate(0)
        file.write(f"{holder}\n")
        file.flush()
        yield


def write_whole(path: Path, content: str | bytes, mode: int = 0o666) -> None:
    """Write a file atomically, never with more permissions than `mode`. Its folder is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(fresh, "xb", opener=partial(os.open, mode=mode)) as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    fresh.replace(path)
