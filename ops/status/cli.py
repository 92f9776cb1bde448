"""The options of `paas status`; the work is imported when it runs."""

import argparse

from ops.shared.options import Commands, add_outputs


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("status", help="the whole platform on one screen, and what is wrong with it")
    add_outputs(parser)
    parser.add_argument("--json", action="store_true", help="print JSON (with --watch one line each time)")
    parser.add_argument(
        "--watch", type=_seconds, metavar="SECONDS", help="look again after so many seconds, until Ctrl-C"
    )
    parser.set_defaults(func=run)


def _seconds(text: str) -> float:
    seconds = float(text)
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text}: the pause must be longer than 0 s")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """0 healthy, 1 problems, 2 nothing could be asked."""
    from ops.status import command

    return command.run(arguments)
