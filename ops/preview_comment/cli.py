"""`paas preview-comment`: writes previews as one comment, and decides whether the change may go on."""

import argparse
import sys
from pathlib import Path
from typing import Final

from ops.preview_comment.changes import read
from ops.preview_comment.comment import render, render_json
from ops.preview_comment.gate import find_approvals, find_guarded
from policy.rules import stops

#: Exit statuses, besides 0.
PREVIEW_FAILED: Final = 1
NOT_APPROVED: Final = 3
RULE_BROKEN: Final = 4
EPILOG: Final = f"""
exit status: 0 nothing needs approval, or all of it is approved; {PREVIEW_FAILED} a preview failed;
2 there is no preview to read; {NOT_APPROVED} a machine, a volume, a VIP or a floating IP would be replaced or removed
and nobody approved that by name; {RULE_BROKEN} a mandatory rule of policy/ is broken.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    previews = (
        "STACK=FILE, STACK.json or a folder of them, each of `pulumi preview --json`; "
        "STACK.err and STACK.status beside it are its standard error and exit status"
    )
    texts = "text with lines `Approve-Replace: NAME`: commit messages, the description of the pull request"
    parser.epilog = EPILOG
    parser.add_argument("previews", nargs="+", metavar="PREVIEW", help=previews)
    parser.add_argument("--approve", action="append", default=[], metavar="NAME", help="approve this one thing by name")
    parser.add_argument("--approvals", action="append", default=[], type=Path, metavar="FILE", help=texts)
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there instead of to standard output")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the comment; the exit status is the gate's. Raises PreviewError."""
    previews = read(arguments.previews)
    texts = [path.read_text(encoding="utf-8") for path in arguments.approvals]
    items = find_guarded(previews, find_approvals(texts) | frozenset(arguments.approve))
    text = render_json(previews, items) if arguments.json else render(previews, items)
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    for preview in previews:
        broken = [f"{preview.stack}: {finding.rule}: {finding}\n" for finding in preview.findings if stops([finding])]
        sys.stderr.writelines([f"preview of {preview.stack} failed\n"] if preview.error else broken)
    waiting = [item for item in items if not item.approved]
    sys.stderr.writelines(
        f"{item.stack}: {item.kind} {item.name} would be {item.verb}; to approve: {item.line}\n" for item in waiting
    )
    if any(preview.error for preview in previews):
        return PREVIEW_FAILED
    if any(stops(preview.findings) for preview in previews):
        return RULE_BROKEN
    return NOT_APPROVED if waiting else 0
