"""`paas proof`: its options."""

from ops.shared.options import Commands, add_outputs


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("proof", help="prove that the platform works, on one screen")
    add_outputs(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--wait", type=float, default=90, metavar="SECONDS", help="how long a check may take to pass")
