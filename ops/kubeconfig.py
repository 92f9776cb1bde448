"""`paas kubeconfig`: the administrator's kubeconfig."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ops.shared import outputs as stack_outputs
from ops.shared.options import Commands, add_outputs


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("kubeconfig", help="print the administrator's kubeconfig")
    add_outputs(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there instead, for the owner only")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0, after printing it or writing it to a file that only its owner may read. Raises OutputsError."""
    text = stack_outputs.load(arguments.stack, arguments.outputs).kubeconfig
    if arguments.output:
        arguments.output.touch(mode=0o600)
        arguments.output.chmod(0o600)
        arguments.output.write_text(text)
        sys.stderr.write(f"export KUBECONFIG={arguments.output.absolute()}\n")
    else:
        sys.stdout.write(text + "\n")
    return 0
