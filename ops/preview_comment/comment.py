"""The comment: one Markdown text for all stacks, the same whenever the previews are the same, never too long."""

from __future__ import annotations

from collections.abc import Sequence

from ops.preview_comment.changes import VERBS, StackPreview
from ops.preview_comment.descriptions import code
from ops.preview_comment.gate import Guarded
from ops.preview_comment.rows import Row, shortened, tables
from policy.rules import stops

#: By this line the comment is found again and updated in place.
MARKER = "<!-- openstack-paas-preview -->"
#: Longest comment, characters: GitHub takes 65,536 (GitLab 1,000,000); the rest is room for what a script adds.
LONGEST = 64_000
#: Longest error report of a stack, characters; its end is what counts.
LONGEST_REPORT = 6_000
#: Longest list of things to approve.
MOST_GUARDED = 100
#: Longest list of broken rules of a stack.
MOST_FINDINGS = 50
#: Most phrases in one cell.
MOST_DETAILS = 40


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def headline(preview: StackPreview) -> str:
    """One line: what happens to machines and addons, in words."""
    if preview.error:
        return "**the preview failed**"
    if not preview.changes:
        return "no changes"
    parts = []
    found = tables(preview)
    for group, noun in (("Machines", "machine"), ("Addons", "addon resource"), ("Network", "network resource")):
        for verb in ("replaced", "removed", "changed", "added"):
            count = sum(len(row.names) for row in found.get(group, []) if row.verb == verb)
            if count:
                words = f"{_plural(count, noun)} {verb}"
                parts.append(f"**{words}**" if verb in ("replaced", "removed") else words)
    rest = sum(len(row.names) for group in ("Certificates and keys", "Other") for row in found.get(group, []))
    if rest:
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
    open_items = [item for item in items if not item.approved]
    lines = ["### Needs approval" if open_items else "### Approved", ""]
    if open_items:
        lines += [
            "This change would replace or remove what holds data, identity or an address. If that is meant, write "
            "these lines into the description of the pull request, or into a commit's message:",
            "",
            "```text",
            *[item.line for item in open_items[:MOST_GUARDED]],
            "```",
            "",
        ]
    for item in items[:MOST_GUARDED]:
        state = "approved" if item.approved else "**not approved**"
        lines.append(f"- {item.kind} {code(item.name)} of {code(item.stack)} would be {item.verb}: {state}")
    if len(items) > MOST_GUARDED:
        lines.append(f"- and {len(items) - MOST_GUARDED} more")
    return [*lines, ""]


def _rules(preview: StackPreview) -> list[str]:
    """What breaks a rule, the mandatory ones in sight, the rest folded away."""
    lines = []
    for finding in preview.findings[:MOST_FINDINGS]:
        level = "exempt" if finding.exempt else "**mandatory**" if finding.mandatory else "advisory"
        reason = f" ({finding.exempt})" if finding.exempt else ""
        lines.append(f"- {level} {code(finding.rule)}: {code(finding.name)} {finding.problem}; {finding.fix}{reason}")
    if len(preview.findings) > MOST_FINDINGS:
        lines.append(f"- and {len(preview.findings) - MOST_FINDINGS} more")
    if not lines:
        return []
    if stops(preview.findings):
        return [f"### {code(preview.stack)} breaks a rule", "", *lines, ""]
    summary = f"{preview.stack}: notes of the policy ({len(preview.findings)})"
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>", ""]


def _row(row: Row) -> str:
    verb = f"**{row.verb}**" if row.verb in ("replaced", "removed") else row.verb
    details = list(row.details[:MOST_DETAILS])
    if len(row.details) > MOST_DETAILS:
        details.append(f"and {len(row.details) - MOST_DETAILS} more")
    names = shortened(row.names)
    if len(row.names) > 2:
        names += f" ({len(row.names)})"
    return f"| {names} | {verb} | {'<br>'.join(details)} |"


def _details(preview: StackPreview, room: int) -> tuple[str, bool]:
    """The collapsed tables of a stack in at most `room` characters, and whether all of them fitted."""
    text, whole = "", True
    for group, rows in tables(preview).items():
        count = sum(len(row.names) for row in rows)
        head = (
            f"<details><summary>{preview.stack}: {group} ({count})</summary>\n\n"
            "| what | what happens | which files, from what to what |\n|---|---|---|\n"
        )
        tail = "\n</details>\n\n"
        taken: list[str] = []
        used = len(text) + len(head) + len(tail)
        for row in rows:
            line = _row(row) + "\n"
            if used + len(line) > room:
                whole = False
                break
            taken.append(line)
            used += len(line)
        if taken:
            text += head + "".join(taken) + tail
    return text, whole


def render(previews: Sequence[StackPreview], items: Sequence[Guarded], longest: int = LONGEST) -> str:
    """The whole comment, at most `longest` characters."""
    lines = [MARKER, "## What this change does", ""]
    for preview in previews:
        note = f" ({preview.note})" if preview.note else ""
        lines.append(f"- {code(preview.stack)}{note}: {headline(preview)}")
    lines += ["", f"| stack | {' | '.join(VERBS)} |", f"|---|{'---:|' * len(VERBS)}"]
    for preview in previews:
        counts = ["?" if preview.error else str(preview.count(verb)) for verb in VERBS]
        lines.append(f"| {code(preview.stack)} | {' | '.join(counts)} |")
    lines.append("")
    lines += _gate(items)
    for preview in previews:
        lines += _report(preview) if preview.error else _rules(preview)
    text = "\n".join(lines) + "\n"
    cut = "The rest is cut, as comments have a limit: `pulumi preview --diff --stack STACK` shows all of it.\n"
    whole = True
    for preview in previews:
        if not preview.error and preview.changes:
            more, fitted = _details(preview, longest - len(text) - len(cut))
            text, whole = text + more, whole and fitted
    if len(text) > longest - len(cut):
        # Reports of many failed stacks alone fill it.
        text, whole = text[: longest - len(cut) - 6] + "\n```\n\n", False
    return text if whole else text + cut
