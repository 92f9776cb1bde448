"""`paas doctor`: everything that can be checked before `pulumi up`, as a table or as JSON.

The settings, the cloud, and the rules of policy/ on what stands. Nothing is changed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.shared.options import console
from ops.shared.stack_state import StackError, StackFile, State, choose, read_file, read_state
from policy.reading import PolicyError, records_of
from policy.rules import RULES, violations
from preflight import checks
from preflight.collect import collect
from preflight.context import Context
from preflight.credentials import CloudUnreachable, find, log_in
from preflight.run import unreachable
from settings.load import parse
from settings.platform import Platform
from settings.problem import Problem, SettingsError

Result = Literal["passed", "warning", "failed", "skipped"]
_COLOURS: Final[Mapping[Result, str]] = {"passed": "green", "warning": "yellow", "failed": "red", "skipped": "dim"}
#: Exit statuses.
HEALTHY, FAILED, NOT_CHECKED = 0, 1, 2


@dataclass(frozen=True)
class Finding:
    """One line of the report: a check, what it found, and what is wrong with that."""

    area: str
    check: str
    found: str
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    skipped: bool = False

    @property
    def result(self) -> Result:
        """How it ended."""
        if self.skipped:
            return "skipped"
        return "failed" if self.errors else "warning" if self.warnings else "passed"


@dataclass
class Report:
    """Every line, and whether all of them could be asked."""

    stack: str
    findings: list[Finding] = field(default_factory=list)
    complete: bool = True

    @property
    def status(self) -> int:
        """0 when nothing fails, 1 when something does, 2 when something could not be asked at all."""
        if not self.complete:
            return NOT_CHECKED
        return FAILED if any(finding.errors for finding in self.findings) else HEALTHY

    def document(self) -> dict[str, Any]:
        """For --json."""
        return {
            "stack": self.stack,
            "status": self.status,
            "checks": [
                {
                    "area": finding.area,
                    "check": finding.check,
                    "result": finding.result,
                    "found": finding.found,
                    "errors": list(map(_document, finding.errors)),
                    "warnings": list(map(_document, finding.warnings)),
                }
                for finding in self.findings
            ],
        }


def _document(problem: Problem) -> dict[str, str]:
    return {"key": problem.key, "value": problem.value, "rule": problem.rule, "fix": problem.fix}


def run(arguments: argparse.Namespace, folder: Path | None = None) -> int:
    """0 when nothing fails, 1 when something does, 2 when the stack or the cloud cannot be looked at."""
    folder = folder or Path.cwd()
    try:
        file = read_file(choose(arguments.stack, folder), folder)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return NOT_CHECKED
    report = examine(file, read_state(file.name, folder), arguments.offline)
    if arguments.json:
        sys.stdout.write(json.dumps(report.document(), indent=2) + "\n")
    else:
        show(console(), report)
    return report.status


def examine(file: StackFile, state: State, offline: bool = False) -> Report:
    """All checks of one stack."""
    report = Report(file.name)
    try:
        platform = parse(file.values, file.name, state.running)
    except SettingsError as error:
        report.findings.append(Finding("settings", "stack file", f"Pulumi.{file.name}.yaml", error.problems))
        report.findings.append(Finding("cloud", "all", "needs correct settings", skipped=True))
    else:
        machines = len(platform.addresses.machines)
        found = f"preset {platform.settings.preset}, {machines} machines"
        report.findings.append(Finding("settings", "stack file", found, warnings=platform.warnings))
        if offline:
            report.findings.append(Finding("cloud", "all", "not asked (--offline)", skipped=True))
        else:
            _ask(report, platform, file, state)
    report.findings += _policy(state)
    return report


def _ask(report: Report, platform: Platform, file: StackFile, state: State) -> None:
    """The checks of the cloud, or why there are none."""
    try:
        access = log_in(find(file.provider))
    except CloudUnreachable as error:
        report.findings.append(Finding("cloud", "credentials", "no way in", (unreachable(error),)))
        report.complete = False
        return
    report.findings.append(Finding("cloud", "credentials", f"project {access.project_id}"))
    context = Context.of(platform, collect(access, platform), state.running)
    report.findings += _cloud(context)


def _cloud(context: Context) -> Iterator[Finding]:
    for check in checks.ALL:
        found = (tuple(check.errors(context)), tuple(check.warnings(context)))
        yield Finding("cloud", check.name, check.summary(context), *found)


def _policy(state: State) -> Iterator[Finding]:
    """The rules of policy/ on what stands; on what is planned they look at preview."""
    if not state.resources:
        yield Finding("policy", "rules", state.reason or "nothing stands yet", skipped=True)
        return
    try:
        records, facts = records_of(state.document or {})
    except PolicyError as error:
        yield Finding("policy", "rules", f"the state {error}", skipped=True)
        return
    broken = violations(records, facts)
    for rule in RULES:
        mine = [violation for violation in broken if violation.rule == rule.name and not violation.exempt]
        problems = tuple(Problem(violation.name, "", violation.problem, violation.fix) for violation in mine)
        weights = (problems, ()) if rule.mandatory else ((), problems)
        yield Finding("policy", rule.name, rule.text, *weights)


def show(screen: Console, report: Report) -> None:
    """The table, then every problem with its fix."""
    table = Table(title=f"Doctor: stack {report.stack}", title_justify="left")
    for column in ("Area", "Check", "Result", "Found"):
        table.add_column(column, overflow="fold")
    for finding in report.findings:
        colour = _COLOURS[finding.result]
        table.add_row(finding.area, finding.check, Text(finding.result, style=colour), Text(finding.found))
    screen.print(table)
    for title, colour, problems in (
        ("Failed", "red", [problem for finding in report.findings for problem in finding.errors]),
        ("Warnings", "yellow", [problem for finding in report.findings for problem in finding.warnings]),
    ):
        _list(screen, title, colour, problems)
    verdict = {HEALTHY: "Ready for `pulumi up`.", FAILED: "Not ready.", NOT_CHECKED: "The cloud could not be asked."}
    screen.print(Text(verdict[report.status], style="bold"))


def _list(screen: Console, title: str, colour: str, problems: Iterable[Problem]) -> None:
    """Each problem on lines of its own."""
    lines = list(problems)
    if lines:
        screen.print(Text(title, style=colour))
    for problem in lines:
        screen.print(Text(f"  - {problem}"), soft_wrap=True)
