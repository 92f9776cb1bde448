"""`python -m policy FILE...`: the same rules without Pulumi, on a preview's JSON or a stack's export."""

import argparse
import json
import sys
from pathlib import Path

from policy.reading import PolicyError, read
from policy.rules import RULES, stops, violations


def main(words: list[str] | None = None) -> int:
    """0 when no mandatory rule is broken, 1 when one is, 2 when a file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m policy", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--list", action="store_true", help="list the rules")
    arguments = parser.parse_args(words)
    if arguments.list:
        for rule in RULES:
            sys.stdout.write(f"{rule.name:24} {'mandatory' if rule.mandatory else 'advisory':10} {rule.text}\n")
        return 0
    if not arguments.files:
        parser.error("which FILE? `pulumi preview --json --show-sames` or `pulumi stack export`")
    found = []
    for file in arguments.files:
        try:
            records, facts = read(file)
        except PolicyError as error:
            sys.stderr.write(f"{file}: {error}\n")
            return 2
        found += violations(records, facts)
    if arguments.json:
        sys.stdout.write(json.dumps([vars(violation) for violation in found], indent=2) + "\n")
    else:
        for violation in found:
            level = "exempt" if violation.exempt else "mandatory" if violation.mandatory else "advisory"
            reason = f" ({violation.exempt})" if violation.exempt else ""
            sys.stdout.write(f"{level}: {violation.rule}: {violation}{reason}\n")
        broken = sum(violation.mandatory and not violation.exempt for violation in found)
        sys.stdout.write(f"policy: {len(RULES)} rules, {broken} mandatory violations, {len(found)} findings\n")
    return 1 if stops(found) else 0
