"""Previews of stacks as one comment for a pull request, and the gate."""

#: Exit statuses, besides 0.
PREVIEW_FAILED = 1
NOT_APPROVED = 3
RULE_BROKEN = 4
