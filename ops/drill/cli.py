"""The subcommand `paas drill NAME`."""

from pathlib import Path

from ops.shared.options import Commands, add_stack


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("drill", help="make one failure on purpose, measure it, repair it, verify that")
    parser.add_argument(
        "name", metavar="NAME", help="a drill, `all` of them, `list` them, or `summary`: medians of a file of reports"
    )
    add_stack(parser)
    parser.add_argument("--machine", default="", help="the machine to fail (default: the one felt most)")
    parser.add_argument("--delete", action="store_true", help="delete the machine; `pulumi up --refresh` replaces it")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--production", action="store_true", help="yes, on a platform for production too")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each drill")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="also add that line to FILE (for `summary`: read it)"
    )
