"""`python -m ops preview-comment`: previews of stacks as one comment for a pull request, and the gate."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ops.preview_comment.changes import VERBS, StackPreview, read
from ops.preview_comment.comment import render
from ops.preview_comment.gate import Guarded, approvals, guarded
from ops.preview_comment.rows import tables
from policy.rules import stops

#: Exit statuses, besides 0.
PREVIEW_FAILED = 1
NOT_APPROVED = 3
RULE_BROKEN = 4

EPILOG = f"""
exit status: 0 nothing needs approval, or all of it is approved; {PREVIEW_FAILED} a preview failed;
2 there is no preview to read; {NOT_APPROVED} a machine, a volume, a VIP or a floating IP would be replaced or removed
and nobody approved that by name; {RULE_BROKEN} a mandatory rule of policy/ is broken.
"""


def add(commands: Any) -> None:
    """Adds the subcommand."""
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


def as_json(previews: Sequence[StackPreview], items: Sequence[Guarded]) -> str:
    """The same facts for programs."""
    document = {
        "stacks": [
            {
                "stack": preview.stack,
                "error": preview.error,
                "findings": [vars(finding) for finding in preview.findings],
                "counts": {verb: preview.count(verb) for verb in VERBS},
                "groups": {
                    group: [{"names": row.names, "verb": row.verb, "details": row.details} for row in rows]
                    for group, rows in tables(preview).items()
                },
            }
            for preview in previews
        ],
        "guarded": [vars(item) for item in items],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def run(arguments: argparse.Namespace) -> int:
    """Writes the comment; the exit status is the gate's."""
    previews = read(arguments.previews)
    texts = [path.read_text(encoding="utf-8") for path in arguments.approvals]
    items = guarded(previews, approvals(texts) | frozenset(arguments.approve))
    text = as_json(previews, items) if arguments.json else render(previews, items)
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    for preview in previews:
        if preview.error:
            sys.stderr.write(f"preview of {preview.stack} failed\n")
        for finding in preview.findings:
            if finding.mandatory and not finding.exempt:
                sys.stderr.write(f"{preview.stack}: {finding.rule}: {finding}\n")
    waiting = [item for item in items if not item.approved]
    for item in waiting:
        sys.stderr.write(f"{item.stack}: {item.kind} {item.name} would be {item.verb}; to approve: {item.line}\n")
    if any(preview.error for preview in previews):
        return PREVIEW_FAILED
    if any(stops(preview.findings) for preview in previews):
        return RULE_BROKEN
    return NOT_APPROVED if waiting else 0
