"""`paas status`: asks, judges, shows; once or again and again."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import suppress

from rich.live import Live

from ops.shared import outputs as stack_outputs
from ops.shared.outputs import Outputs, OutputsError
from ops.status import collect, json_document, problems, report, screen
from ops.status.problems import Problem
from ops.status.report import Report


def run(arguments: argparse.Namespace) -> int:
    """The exit status; of --watch that of the last look. Raises OutputsError when there is no platform to ask."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    stack = arguments.stack or ""
    if arguments.watch:
        return _watch(arguments, outputs, stack)
    found, wrong = look(outputs, stack)
    if arguments.json:
        sys.stdout.write(json_document.text(found, wrong) + "\n")
    else:
        screen.console().print(screen.screen(found, wrong))
    return json_document.status(found, wrong)


def look(outputs: Outputs, stack: str) -> tuple[Report, list[Problem]]:
    """One look at the platform."""
    moment, began = time.time(), time.monotonic()
    raw = collect.gather(outputs)
    found = report.build(outputs, raw, stack, moment, time.monotonic() - began)
    return found, problems.find(found)


def _watch(arguments: argparse.Namespace, outputs: Outputs, stack: str) -> int:
    status, as_json = json_document.BLIND, arguments.json
    terminal = sys.stdout.isatty() and not as_json
    with Live(console=screen.console(), screen=True, auto_refresh=False) if terminal else _Nothing() as live:
        try:
            while True:
                found, wrong = look(outputs, stack)
                status = json_document.status(found, wrong)
                if as_json:
                    sys.stdout.write(json_document.text(found, wrong, None) + "\n")
                    sys.stdout.flush()
                elif live is None:
                    screen.console().print(screen.screen(found, wrong))
                else:
                    live.update(screen.screen(found, wrong, verdict_first=True), refresh=True)
                time.sleep(arguments.watch)
                # An `up` may have recreated machines; while it runs there may be no outputs.
                with suppress(OutputsError):
                    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
        except KeyboardInterrupt:
            return status


class _Nothing:
    """Where there is no terminal to keep a screen on."""

    def __enter__(self) -> None:
        """Nothing to keep."""

    def __exit__(self, *_: object) -> None:
        """Nothing to give back."""
