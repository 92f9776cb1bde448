"""`paas ssh MACHINE`: a shell, or a command, on a machine."""

from __future__ import annotations

import argparse
import sys

from ops.shared import outputs as stack_outputs
from ops.shared import session
from ops.shared.options import Commands, add_outputs


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("ssh", help="a shell or a command on a machine; without a machine: list them")
    add_outputs(parser)
    parser.add_argument("machine", nargs="?", default="", help="its name, with or without the cluster's before it")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status of the session; without a machine 0, after a list of all. Raises OutputsError, SshError."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    if arguments.machine:
        return session.run(outputs, outputs.machine(arguments.machine), arguments.words)
    for machine in outputs.inventory:
        sys.stdout.write(f"{outputs.short(machine):<28} {machine.address:<16} {machine.public_address}".rstrip() + "\n")
    return 0
