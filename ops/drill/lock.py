"""One drill at a time on a platform, of all that start on this machine; others are seen by what they write there."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from ops.drill import aftermath


@contextmanager
def one_at_a_time(stack: str) -> Iterator[bool]:
    """Whether no other drill of this stack runs on this machine; none begins while the block runs.

    The lock goes with the process, however that ends.
    """
    folder = aftermath.folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"drill-{stack}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
