"""Every rule, and which stack may break which one, and why."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from policy import access, inventory, keys, protection
from policy.record import Facts, Record, Rule, Violation

RULES: tuple[Rule, ...] = (*access.RULES, *protection.RULES, *inventory.RULES, *keys.RULES)
#: In a file, so that every exemption is seen in a review.
EXEMPTIONS = Path(__file__).with_name("exemptions.json")


@cache
def exemptions() -> dict[str, dict[str, str]]:
    """Reasons by stack and rule."""
    document: dict[str, dict[str, str]] = json.loads(EXEMPTIONS.read_text(encoding="utf-8"))
    return document


def violations(records: Sequence[Record], facts: Facts) -> list[Violation]:
    """Every violation of every rule, the mandatory ones first; exempt ones carry their reason."""
    reasons = exemptions().get(facts.stack, {})
    found = [
        replace(violation, exempt=reasons.get(violation.rule, ""))
        for rule in RULES
        for violation in rule.violations(records, facts)
    ]
    return sorted(found, key=lambda item: (bool(item.exempt), not item.mandatory, item.rule, item.urn))


def stops(found: Sequence[Violation]) -> bool:
    """Whether any of them must end a deployment."""
    return any(violation.mandatory and not violation.exempt for violation in found)
