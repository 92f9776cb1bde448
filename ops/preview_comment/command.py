"""Writes previews as one comment for a pull request, and decides whether the change may go on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from ops.preview_comment import NOT_APPROVED, PREVIEW_FAILED, RULE_BROKEN
from ops.preview_comment.changes import VERBS, StackPreview, read
from ops.preview_comment.comment import render
from ops.preview_comment.gate import Guarded, approvals, guarded
from ops.preview_comment.rows import tables
from policy.rules import stops


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
