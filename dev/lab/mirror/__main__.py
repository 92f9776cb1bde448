"""`python -m dev.lab.mirror`: builds and publishes what the mirror offers."""

from __future__ import annotations

import argparse
import sys

from dev.errors import DevError
from dev.lab.mirror.content import KUBERNETES, compile_content, ensure
from dev.lab.progress import Progress
from settings import versions


def main() -> int:
    """Returns 1 after printing one message when something failed."""
    parser = argparse.ArgumentParser(prog="python -m dev.lab.mirror", description=__doc__)
    parser.add_argument(
        "--kubernetes",
        default=KUBERNETES,
        metavar="VERSION",
        help=f"an additional release, one of {', '.join(versions.KUBERNETES)} (default: %(default)s)",
    )
    parser.add_argument("--compile-only", action="store_true", help="only the part that needs no daemon of the lab")
    options = parser.parse_args()
    progress = Progress()
    try:
        (compile_content if options.compile_only else ensure)(progress, options.kubernetes)
    except DevError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    progress("mirror: everything is in place")
    return 0


if __name__ == "__main__":
    sys.exit(main())
