"""`paas doctor`: checks the settings, the cloud, and the rules of policy/ on what is deployed. Changes nothing."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from rich.table import Table
from rich.text import Text

from ops.shared.options import add_stack, console
from ops.shared.stack_state import StackFile, State, choose, read_file, read_state
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
_VERDICTS: Final = {
    HEALTHY: "Ready for `pulumi up`.",
    FAILED: "Not ready.",
    NOT_CHECKED: "The cloud could not be asked.",
}
#: The check that decides whether the cloud can be asked at all.
CREDENTIALS: Final = "credentials"


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


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_stack(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help="do not ask the cloud")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status. Raises StackError when the stack cannot be looked at."""
    file = read_file(choose(arguments.stack, Path.cwd()), Path.cwd())
    findings = list(examine(file, read_state(file.name, Path.cwd()), arguments.offline))
    if arguments.json:
        sys.stdout.write(json.dumps(_document(file.name, findings), indent=2) + "\n")
    else:
        _show(file.name, findings)
    return exit_status(findings)


def exit_status(findings: Sequence[Finding]) -> int:
    """HEALTHY when nothing fails, FAILED when something does, NOT_CHECKED when the cloud could not be asked."""
    failed = [finding.check for finding in findings if finding.errors]
    if CREDENTIALS in failed:
        return NOT_CHECKED
    return FAILED if failed else HEALTHY


def examine(file: StackFile, state: State, offline: bool = False) -> Iterator[Finding]:
    """All checks of one stack."""
    try:
        platform = parse(file.values, file.name, state.running)
    except SettingsError as error:
        yield Finding("settings", "stack file", f"Pulumi.{file.name}.yaml", error.problems)
        yield Finding("cloud", "all", "needs correct settings", skipped=True)
    else:
        found = f"preset {platform.settings.preset}, {len(platform.plan.machines)} machines"
        yield Finding("settings", "stack file", found, warnings=platform.warnings)
        if offline:
            yield Finding("cloud", "all", "not asked (--offline)", skipped=True)
        else:
            yield from _cloud(platform, file, state)
    yield from _policy(state)


def _cloud(platform: Platform, file: StackFile, state: State) -> Iterator[Finding]:
    """The checks of the cloud, or why there are none."""
    try:
        access = log_in(find(file.provider))
    except CloudUnreachable as error:
        yield Finding("cloud", CREDENTIALS, "no access", (unreachable(error),))
        return
    yield Finding("cloud", CREDENTIALS, f"project {access.project_id}")
    context = Context.of(platform, collect(access, platform), state.running)
    for check in checks.ALL:
        problems = (tuple(check.errors(context)), tuple(check.warnings(context)))
        yield Finding("cloud", check.name, check.summary(context), *problems)


def _policy(state: State) -> Iterator[Finding]:
    """The rules of policy/ on what is deployed; on what is planned they look at preview."""
    if not state.resources:
        yield Finding("policy", "rules", state.reason or "nothing is deployed yet", skipped=True)
        return
    try:
        records, facts = records_of(state.document or {})
    except PolicyError as error:
        yield Finding("policy", "rules", f"the state {error}", skipped=True)
        return
    broken = [violation for violation in violations(records, facts) if not violation.exempt]
    for rule in RULES:
        mine = tuple(Problem(one.name, "", one.problem, one.fix) for one in broken if one.rule == rule.name)
        yield Finding("policy", rule.name, rule.text, *((mine, ()) if rule.mandatory else ((), mine)))


def _document(stack: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """For --json."""

    def documents(problems: Sequence[Problem]) -> list[dict[str, str]]:
        return [{"key": one.key, "value": one.value, "rule": one.rule, "fix": one.fix} for one in problems]

    lines = [
        {
            "area": finding.area,
            "check": finding.check,
            "result": finding.result,
            "found": finding.found,
            "errors": documents(finding.errors),
            "warnings": documents(finding.warnings),
        }
        for finding in findings
    ]
    return {"stack": stack, "status": exit_status(findings), "checks": lines}


def _show(stack: str, findings: Sequence[Finding]) -> None:
    """The table, then every problem with its fix."""
    screen = console()
    table = Table(title=f"Doctor: stack {stack}", title_justify="left")
    for column in ("Area", "Check", "Result", "Found"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        result = Text(finding.result, style=_COLOURS[finding.result])
        table.add_row(finding.area, finding.check, result, Text(finding.found))
    screen.print(table)
    for title, colour, problems in (
        ("Failed", "red", [problem for finding in findings for problem in finding.errors]),
        ("Warnings", "yellow", [problem for finding in findings for problem in finding.warnings]),
    ):
        if problems:
            screen.print(Text(title, style=colour))
        for problem in problems:
            screen.print(Text(f"  - {problem}"), soft_wrap=True)
    screen.print(Text(_VERDICTS[exit_status(findings)], style="bold"))
