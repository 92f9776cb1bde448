"""The comment: one text for all stacks, the same whenever the previews are the same, never too long."""

import json
from collections.abc import Sequence
from typing import Final

from ops.preview_comment.changes import LOSSES, OPERATIONS, WORST_FIRST, StackPreview, Verb
from ops.preview_comment.descriptions import code
from ops.preview_comment.gate import Guarded
from ops.preview_comment.rows import Row, make_tables, shorten
from policy.rules import stops

#: By this line the comment is found again and updated in place.
MARKER: Final = "<!-- openstack-paas-preview -->"
#: Longest comment, characters: GitHub takes 65,536 (GitLab 1,000,000); the rest is room for what a script adds.
LONGEST: Final = 64_000
#: Longest error report of a stack, characters; its end is what counts.
LONGEST_REPORT: Final = 6_000
#: Longest list of things to approve.
MOST_GUARDED: Final = 100
#: Longest list of broken rules of a stack.
MOST_FINDINGS: Final = 50
#: Most phrases in one cell.
MOST_DETAILS: Final = 40


def _first(lines: Sequence[str], most: int, bullet: str = "- ") -> list[str]:
    """At most `most` lines, and how many are left out."""
    left_out = len(lines) - most
    return [*lines[:most], f"{bullet}and {left_out} more"] if left_out > 0 else list(lines)


def _loud(words: str, verb: Verb) -> str:
    """The words, in bold when something would be lost."""
    return f"**{words}**" if verb in LOSSES else words


def _things(rows: Sequence[Row]) -> int:
    """How many things the rows are about."""
    return sum(len(row.names) for row in rows)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def headline(preview: StackPreview) -> str:
    """One line: what happens to machines and addons, in words."""
    if preview.error:
        return "**the preview failed**"
    if not preview.changes:
        return "no changes"
    parts = []
    found = make_tables(preview)
    for group, noun in (("Machines", "machine"), ("Addons", "addon resource"), ("Network", "network resource")):
        rows = found.pop(group, [])
        for verb in WORST_FIRST:
            if count := _things([row for row in rows if row.verb == verb]):
                parts.append(_loud(f"{_plural(count, noun)} {verb}", verb))
    if rest := sum(map(_things, found.values())):
        parts.append(f"{_plural(rest, 'other resource')} touched")
    return ", ".join(parts)


def _report(preview: StackPreview) -> list[str]:
    """The error report of a failed preview, in a fence that its text cannot end."""
    text = preview.error.replace("```", "'''")
    if len(text) > LONGEST_REPORT:
        text = "[the beginning is cut]\n" + text[-LONGEST_REPORT:]
    return [f"#### {code(preview.stack)}: why the preview failed", "", "```text", *text.splitlines(), "```", ""]


def _gate(items: Sequence[Guarded]) -> list[str]:
    """What would be lost and how to approve it."""
    if not items:
        return []
    waiting = [item.line for item in items if not item.approved]
    lines = ["### Needs approval" if waiting else "### Approved", ""]
    if waiting:
        lines += [
            "This change would replace or remove what holds data, identity or an address. If that is meant, write "
            "these lines into the description of the pull request, or into a commit's message:",
            "",
            "```text",
            *waiting[:MOST_GUARDED],
            "```",
            "",
        ]
    losses = [
        f"- {item.kind} {code(item.name)} of {code(item.stack)} would be {item.verb}: "
        f"{'approved' if item.approved else '**not approved**'}"
        for item in items
    ]
    return [*lines, *_first(losses, MOST_GUARDED), ""]


def _rules(preview: StackPreview) -> list[str]:
    """What breaks a rule, the mandatory ones in sight, the rest folded away."""
    lines = []
    for finding in preview.findings:
        level = "exempt" if finding.exempt else "**mandatory**" if finding.mandatory else "advisory"
        reason = f" ({finding.exempt})" if finding.exempt else ""
        lines.append(f"- {level} {code(finding.rule)}: {code(finding.name)} {finding.problem}; {finding.fix}{reason}")
    if not lines:
        return []
    lines = _first(lines, MOST_FINDINGS)
    if stops(preview.findings):
        return [f"### {code(preview.stack)} breaks a rule", "", *lines, ""]
    summary = f"{preview.stack}: notes of the policy ({len(preview.findings)})"
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>", ""]


def _row(row: Row) -> str:
    names = shorten(row.names) + (f" ({len(row.names)})" if len(row.names) > 2 else "")
    return f"| {names} | {_loud(row.verb, row.verb)} | {'<br>'.join(_first(row.details, MOST_DETAILS, ''))} |\n"


def _details(preview: StackPreview, room: int) -> tuple[str, bool]:
    """The collapsed tables of a stack in at most `room` characters, and whether all of them fitted."""
    text, whole = "", True
    for group, rows in make_tables(preview).items():
        head = (
            f"<details><summary>{preview.stack}: {group} ({_things(rows)})</summary>\n\n"
            "| what | what happens | which files, from what to what |\n|---|---|---|\n"
        )
        tail = "\n</details>\n\n"
        taken = ""
        for line in map(_row, rows):
            if len(text) + len(head) + len(taken) + len(line) + len(tail) > room:
                whole = False
                break
            taken += line
        if taken:
            text += head + taken + tail
    return text, whole


def render(previews: Sequence[StackPreview], items: Sequence[Guarded], longest: int = LONGEST) -> str:
    """The whole comment in Markdown, at most `longest` characters."""
    lines = [MARKER, "## What this change does", ""]
    for preview in previews:
        note = f" ({preview.note})" if preview.note else ""
        lines.append(f"- {code(preview.stack)}{note}: {headline(preview)}")
    lines += ["", f"| stack | {' | '.join(OPERATIONS)} |", f"|---|{'---:|' * len(OPERATIONS)}"]
    for preview in previews:
        counts = ["?" if preview.error else str(preview.count(verb)) for verb in OPERATIONS]
        lines.append(f"| {code(preview.stack)} | {' | '.join(counts)} |")
    lines += ["", *_gate(items)]
    for preview in previews:
        lines += _report(preview) if preview.error else _rules(preview)
    text = "\n".join(lines) + "\n"
    cut = "The rest is cut, as comments have a limit: `pulumi preview --diff --stack STACK` shows all of it.\n"
    whole = True
    for preview in previews:
        if not preview.error:
            more, fitted = _details(preview, longest - len(text) - len(cut))
            text, whole = text + more, whole and fitted
    if len(text) > longest - len(cut):
        # Reports of many failed stacks alone fill it.
        text, whole = text[: longest - len(cut) - 6] + "\n```\n\n", False
    return text if whole else text + cut


def render_json(previews: Sequence[StackPreview], items: Sequence[Guarded]) -> str:
    """The same facts for programs."""
    stacks = [
        {
            "stack": preview.stack,
            "error": preview.error,
            "findings": [vars(finding) for finding in preview.findings],
            "counts": {verb: preview.count(verb) for verb in OPERATIONS},
            "groups": {group: [vars(row) for row in rows] for group, rows in make_tables(preview).items()},
        }
        for preview in previews
    ]
    document = {"stacks": stacks, "guarded": [vars(item) for item in items]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
