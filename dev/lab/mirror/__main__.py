"""`python -m dev.lab.mirror`: builds and publishes what the mirror offers. It needs the lab's Debian packages."""

import argparse
import os
import sys

from dev.errors import DevError
from dev.lab.mirror.compile import compile_all
from dev.lab.mirror.content import KUBERNETES, ensure
from dev.lab.mirror.product import MIRROR_PLACES
from dev.lab.mirror.programs import release
from dev.lab.progress import Progress
from settings import versions


def main() -> int:
    """Returns 1 after printing one message when something failed."""
    known = list(versions.KUBERNETES)
    parser = argparse.ArgumentParser(prog="python -m dev.lab.mirror", description=__doc__)
    additional = f"an additional release, one of {', '.join(known)} (default: %(default)s)"
    parser.add_argument("--kubernetes", default=KUBERNETES, metavar="VERSION", help=additional)
    ahead = "only compile the newest release, or all releases, with idle processor time"
    parser.add_argument("--ahead", nargs="?", const="newest", choices=("newest", "all"), help=ahead)
    options = parser.parse_args()
    progress = Progress()
    try:
        if options.ahead:
            # A cold build takes eight minutes on two cores, and a test run spends much of its time waiting. Whoever
            # publishes such a release later, finds its programs or waits for them.
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            for minor in known if options.ahead == "all" else known[-1:]:
                compile_all(MIRROR_PLACES, (release(minor),), progress)
        else:
            ensure(progress, options.kubernetes)
    except DevError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    progress("mirror: everything is in place")
    return 0


if __name__ == "__main__":
    sys.exit(main())
