"""`paas status`: asks, judges and prints, once or again and again."""

import argparse
import sys
import time
from contextlib import nullcontext, suppress

from rich.live import Live

from ops.shared import outputs as stack_outputs
from ops.shared.options import add_outputs, console
from ops.shared.outputs import OutputsError
from ops.status import collect, output, problems, report

#: Where there is no terminal that has a width, in columns.
WIDTH = 140


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
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
    """The exit status; of --watch that of the last look. Raises OutputsError when there is no platform to ask."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    screen, status = console(WIDTH), output.BLIND
    live = None
    if arguments.watch and not arguments.json and sys.stdout.isatty():
        live = Live(console=screen, screen=True, auto_refresh=False)
    with live or nullcontext():
        try:
            while True:
                moment, began = time.time(), time.monotonic()
                raw = collect.gather(outputs)
                found = report.build(outputs, raw, arguments.stack or "", moment, time.monotonic() - began)
                wrong = problems.find(found)
                status = output.exit_status(found, wrong)
                if arguments.json:
                    sys.stdout.write(output.as_json(found, wrong, None if arguments.watch else 2) + "\n")
                    sys.stdout.flush()
                elif live:
                    live.update(output.screen(found, wrong, verdict_first=True), refresh=True)
                else:
                    screen.print(output.screen(found, wrong))
                if not arguments.watch:
                    return status
                time.sleep(arguments.watch)
                # An `up` may have replaced machines; while it runs there may be no outputs.
                with suppress(OutputsError):
                    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
        except KeyboardInterrupt:
            if not arguments.watch:
                raise
            return status
