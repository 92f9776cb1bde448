"""`paas topology`: the picture of a platform, from its outputs alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ops.shared import outputs as stack_outputs
from ops.shared.options import Commands, add_outputs
from ops.topology.picture import picture


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("topology", help="draw the platform: networks, addresses, machines, versions (SVG)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there instead of printing it")
    add_outputs(parser)
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0, or 2 when the file cannot be written. Raises OutputsError."""
    drawn = picture(stack_outputs.load(arguments.stack, arguments.outputs))
    if arguments.output:
        try:
            arguments.output.write_text(drawn, encoding="utf-8")
        except OSError as error:
            sys.stderr.write(f"{arguments.output} cannot be written: {error.strerror}\n")
            return 2
    else:
        sys.stdout.write(drawn)
    return 0
