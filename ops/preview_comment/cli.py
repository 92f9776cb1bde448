"""`paas preview-comment`: its options and its exit statuses."""

from __future__ import annotations

import argparse
from pathlib import Path

from ops.preview_comment import NOT_APPROVED, PREVIEW_FAILED, RULE_BROKEN
from ops.shared.options import Commands

EPILOG = f"""
exit status: 0 nothing needs approval, or all of it is approved; {PREVIEW_FAILED} a preview failed;
2 there is no preview to read; {NOT_APPROVED} a machine, a volume, a VIP or a floating IP would be replaced or removed
and nobody approved that by name; {RULE_BROKEN} a mandatory rule of policy/ is broken.
"""


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "preview-comment", help="previews as one comment for a pull request, and the gate", epilog=EPILOG
    )
    parser.add_argument(
        "previews",
        nargs="+",
        metavar="PREVIEW",
        help="STACK=FILE, STACK.json or a folder of them, each of `pulumi preview --json`; "
        "STACK.err and STACK.status beside it are its standard error and exit status",
    )
    parser.add_argument("--approve", action="append", default=[], metavar="NAME", help="approve this one thing by name")
    parser.add_argument(
        "--approvals",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="text with lines `Approve-Replace: NAME`: commit messages, the description of the pull request",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there instead of to standard output")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status is the gate's. Raises PreviewError."""
    from ops.preview_comment import command

    return command.run(arguments)
