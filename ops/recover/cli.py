"""`paas recover`: its options."""

from ops.shared.options import Commands


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("recover", help="clear away what a killed `pulumi up` left half made")
    parser.add_argument("--no-releases", action="store_true", help="leave Helm's releases, as before `pulumi destroy`")
