"""The rule engine: a rule is a function that looks at a context and yields problems, and a row with its severity.

The tables are in settings/checks and preflight/checks. Rules are pure functions. A problem names every key that its
rule looked at, so that a wrong value is not reported twice.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Generic, Literal, TypeVar

from settings.plan import Plan
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.running import Running

C = TypeVar("C")
#: Errors end the run. Warnings are for what is allowed but unwise.
Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Context:
    """What a rule may look at when no cloud is asked. preflight.context adds the platform and its cloud."""

    settings: PlatformSettings
    cluster: str
    planned: Plan | None
    """None where the networks are too small for the fixed roles."""
    running: Running | None
    secrets: Collection[str] = ()
    """The secrets that the stack sets, by their keys in the stack file."""
    today: date = date.min
    """The day (UTC) by which versions are supported or not, and on which an empty etcd may be wanted."""

    @property
    def plan(self) -> Plan:
        """The plan, for rules that need one."""
        assert self.planned is not None, "rules that need a plan run only where there is one"
        return self.planned


@dataclass(frozen=True)
class Rule(Generic[C]):
    """One row of a table of rules."""

    severity: Severity
    find: Callable[[C], Iterator[Problem]]
    needs_plan: bool = False


def found(rules: Iterable[Rule[C]], severity: Severity, context: C) -> Iterator[Problem]:
    """The problems of one severity, in the order of the rules."""
    for rule in rules:
        if rule.severity == severity:
            yield from rule.find(context)
