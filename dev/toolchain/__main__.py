"""The command line: `python3 -m dev.toolchain [build|status|path]`."""

import argparse
import signal
import sys
import time
from collections.abc import Callable

from dev.errors import DevError
from dev.toolchain.builder import Builder
from dev.toolchain.official import reported_version
from dev.toolchain.plan import Places, default_places, make_plan


def say(line: str) -> None:
    """Print one line of progress."""
    print(f"toolchain: {line}", flush=True)


def build(places: Places) -> None:
    """Make every program available. Prints only a closing line when nothing is missing."""
    begun = time.monotonic()
    steps = Builder(places, say).run()
    official = sum(step.state == "official" for step in steps)
    say(f"ready: {len(steps) - official} built and {official} official programs ({time.monotonic() - begun:.1f} s)")


def status(places: Places) -> int:
    """Print one line per program. Returns 1 when one of them still has to be built."""
    steps = make_plan(places)
    for step in steps:
        seconds = f"{step.seconds:>6} s" if step.seconds and step.state == "built" else ""
        version = reported_version(step.program, step.path) if step.state == "official" else step.program.version
        print(f"{step.program.binary:28} {version:9} {step.state:12} {seconds:9} {step.path}")
    return int(any(step.to_build for step in steps))


def path(places: Places) -> None:
    """Print the folder to put first on PATH."""
    print(places.binaries)


def main() -> int:
    """Parse the arguments, run the command and turn a DevError into one message and exit status 1."""
    commands: dict[str, Callable[[Places], int | None]] = {"build": build, "status": status, "path": path}
    parser = argparse.ArgumentParser(prog="python3 -m dev.toolchain", description=__doc__)
    parser.add_argument("command", nargs="?", default="build", choices=commands, help="build is the default")
    chosen = commands[parser.parse_args().command]
    # SIGTERM stops a build and its compilers like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return chosen(default_places()) or 0
    except DevError as problem:
        print(f"toolchain: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("toolchain: interrupted; run it again to continue", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
