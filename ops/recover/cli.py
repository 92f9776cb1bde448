"""`paas recover`: its options."""

import argparse

from ops.shared.options import Commands


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("recover", help="clear away what a killed `pulumi up` left half made")
    parser.add_argument("--no-releases", action="store_true", help="leave Helm's releases, as before `pulumi destroy`")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when nothing is left to clear, 1 when Helm could not be asked. Raises RecoverError."""
    from ops.recover import command

    return command.run(arguments)
