"""`python3 -m dev.lab.mirror.ahead [--all]`: compiles the newest Kubernetes, or all, before it is needed.

With processor time that nobody else wants (SCHED_IDLE): a cold build takes eight minutes of two cores, and much of a
test run is waiting. `python3 -m dev.lab.mirror --kubernetes VERSION` publishes it, or waits for it.
"""

from __future__ import annotations

import os
import sys

from dev.lab.errors import LabError
from dev.lab.mirror.compile import compile_all
from dev.lab.mirror.places import MIRROR_PLACES
from dev.lab.mirror.programs import release
from dev.lab.progress import Progress
from settings import versions


def main() -> int:
    """Exit code 1 with one message when something failed; who needs the release tries again, and says more."""
    known = list(versions.KUBERNETES)
    wanted = known if sys.argv[1:] == ["--all"] else known[-1:]
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    try:
        for version in wanted:
            compile_all(MIRROR_PLACES, (release(version),), Progress())
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
