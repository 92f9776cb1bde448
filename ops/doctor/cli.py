"""`paas doctor`: its options."""

import argparse

from ops.shared.options import Commands, add_stack


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("doctor", help="check settings, cloud and rules before `pulumi up`; changes nothing")
    add_stack(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help="do not ask the cloud")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when nothing fails, 1 when something does, 2 when the cloud cannot be asked. Raises StackError."""
    from ops.doctor import command

    return command.run(arguments)
