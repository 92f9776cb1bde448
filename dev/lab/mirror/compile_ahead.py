"""`python3 -m dev.lab.mirror.compile_ahead [--all]`: compiles the newest Kubernetes, or all releases, early.

It uses only idle processor time (SCHED_IDLE): a cold build takes eight minutes on two cores, and a test run spends
much of its time waiting. `python3 -m dev.lab.mirror --kubernetes VERSION` publishes the release, or waits for it.
"""

from __future__ import annotations

import os
import sys

from dev.errors import DevError
from dev.lab.mirror.compile import compile_all
from dev.lab.mirror.places import MIRROR_PLACES
from dev.lab.mirror.programs import release
from dev.lab.progress import Progress
from settings import versions


def main() -> int:
    """Returns 1 after printing one message when something failed. Whoever needs the release tries again."""
    known = list(versions.KUBERNETES)
    wanted = known if sys.argv[1:] == ["--all"] else known[-1:]
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    try:
        for version in wanted:
            compile_all(MIRROR_PLACES, (release(version),), Progress())
    except DevError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
