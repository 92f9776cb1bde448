"""Every rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policy import access, backups, inventory, keys, protection
from policy.exemptions import exemptions
from policy.record import Facts, Record, Rule, Violation, facts_of

RULES: tuple[Rule, ...] = (*access.RULES, *protection.RULES, *backups.RULES, *inventory.RULES, *keys.RULES)


def violations(records: Sequence[Record], facts: Facts | None = None) -> list[Violation]:
    """Every violation of every rule, the mandatory ones first; exempt ones carry their reason."""
    known = facts or facts_of(records)
    reasons = exemptions().get(known.stack, {})
    found = [
        replace(violation, exempt=reasons.get(violation.rule, ""))
        for rule in RULES
        for violation in rule.violations(records, known)
    ]
    return sorted(found, key=lambda item: (bool(item.exempt), not item.mandatory, item.rule, item.urn))


def stops(found: Sequence[Violation]) -> bool:
    """Whether any of them must end a deployment."""
    return any(violation.mandatory and not violation.exempt for violation in found)
