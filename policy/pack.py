"""The rules as a policy pack: `pulumi preview --policy-pack policy`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policy.reading import plain
from policy.record import PLATFORM, Facts, Record, Rule, facts_of
from policy.rules import RULES, exemptions


def _bare(value: Any) -> Any:
    """A value out of the SDK's proxies, without what is not known yet, which they raise at."""
    if isinstance(value, Mapping):
        found = {}
        for key in value:
            with suppress(UnknownValueError):
                found[key] = _bare(value[key])
        return found
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = []
        for index in range(len(value)):
            with suppress(UnknownValueError):
                items.append(_bare(value[index]))
        return items
    return value


def _record(args: Any) -> Record:
    """The record of a resource as the SDK hands it over."""
    return Record(args.urn, args.resource_type, args.name, plain(_bare(args.props)), bool(args.opts.protect))


class Pack:
    """The policies, and the facts of the platform: it is registered before everything in it."""

    def __init__(self) -> None:
        self.facts = Facts()

    def policies(self) -> list[Policy]:
        """One policy a rule, but for those that must know which values are secret: the SDK hides that from packs."""
        return [self._policy(rule) for rule in RULES if not rule.needs_secrecy]

    def _policy(self, rule: Rule) -> Policy:
        level = EnforcementLevel.MANDATORY if rule.mandatory else EnforcementLevel.ADVISORY
        if rule.check:
            validate = partial(self._check_one, rule)
            return ResourceValidationPolicy(rule.name, rule.text, validate, enforcement_level=level)
        return StackValidationPolicy(rule.name, rule.text, partial(self._check_plan, rule), enforcement_level=level)

    def _check_one(self, rule: Rule, args: ResourceValidationArgs, report: ReportViolation) -> None:
        record = _record(args)
        if record.type == PLATFORM:
            self.facts = facts_of([record])
        self._report(rule, [record], report)

    def _check_plan(self, rule: Rule, args: StackValidationArgs, report: ReportViolation) -> None:
        self._report(rule, [_record(resource) for resource in args.resources], report)

    def _report(self, rule: Rule, records: list[Record], report: ReportViolation) -> None:
        """Reports violations with their URNs, except those from which the stack is exempt."""
        if rule.name not in exemptions().get(self.facts.stack, {}):
            for violation in rule.violations(records, self.facts):
                report(str(violation), violation.urn)


def start() -> None:
    """Serves the pack to the engine until that ends it."""
    PolicyPack(name="openstack-paas", policies=Pack().policies(), enforcement_level=EnforcementLevel.ADVISORY)
