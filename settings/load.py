"""From stack configuration to checked settings: every problem in one report, before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from settings import checks, error_messages, replacement, resolved, schema, stack_file, validation
from settings.plan import make_plan
from settings.platform import Platform
from settings.platform_settings import PlatformSettings
from settings.presets import PRESETS
from settings.problem import Problem, SettingsError
from settings.redact import redacted
from settings.rules import Context
from settings.running import Running

#: What a cluster's name must be; it is the prefix of host names.
CLUSTER_NAME: Final = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")
#: A cluster name for stacks whose own is invalid, so that everything else can still be checked.
_STAND_IN: Final = "cluster"


def parse(
    values: Mapping[str, Any],
    stack: str,
    running: Running | None = None,
    numbered: Mapping[str, str] | None = None,
) -> Platform:
    """Checked settings from the keys of a stack file (`values`, camelCase) of the stack `stack`.

    `running` is what the stack runs already, for rules about changes. `numbered` are the security group rules of an
    earlier release (settings.security.former_name). Raises SettingsError with every problem of single values and of
    combinations, except those that only follow from a wrong value.
    """
    given, problems = stack_file.read(values)
    given = resolved.with_versions(given, running)
    broken = {problem.key for problem in problems}
    settings, mistaken, left_out = validation.validate(given, _preset(given))
    problems += mistaken
    broken |= left_out
    cluster = settings.cluster_name or stack
    if not CLUSTER_NAME.fullmatch(cluster):
        if "clusterName" not in broken:
            problems.append(_misnamed(cluster))
        broken.add("clusterName")
        cluster = _STAND_IN
    plan, misfits = make_plan(settings, cluster)
    secrets = [key for key in stack_file.SECRETS if values.get(key)]
    context = Context(settings, cluster, plan, running, secrets, checks.today())
    found = [*misfits, *checks.errors(context)]
    problems += [_short(problem) for problem in found if not _echo(problem, broken)]
    if problems or plan is None:
        raise SettingsError(sorted(problems, key=_place))
    return Platform(
        settings=settings,
        cluster=cluster,
        addresses=plan,
        warnings=tuple(checks.warnings(context)),
        working=frozenset(running.instances if running else ()),
        numbered=dict(numbered or {}),
        running=running or Running(),
        replacing=replacement.replacing(settings, plan, running),
    )


def _place(problem: Problem) -> int:
    """The position of the problem's section in the reference. The report has that order, with unknown keys first."""
    section = problem.key.split(".")[0]
    known = list(schema.root()["properties"])
    return known.index(section) if section in known else -1


def _preset(given: Mapping[str, Any]) -> str:
    """The preset whose defaults apply. For a misspelt one, the one that was probably meant."""
    wanted = given.get("preset", PlatformSettings.model_fields["preset"].default)
    if isinstance(wanted, str) and wanted in PRESETS:
        return wanted
    return error_messages.closest(str(wanted), list(PRESETS)) or "dev"


def _short(problem: Problem) -> Problem:
    """The problem with a value that fits on a line and shows no password."""
    return replace(problem, value=redacted(problem.value)) if problem.value else problem


def _misnamed(cluster: str) -> Problem:
    return Problem(
        "clusterName",
        cluster,
        "must be 1 to 20 lower-case letters, digits and dashes, a letter first and no dash last",
        "set clusterName where the stack's name does not fit",
    )


def _echo(problem: Problem, broken: Iterable[str]) -> bool:
    """Whether the problem of a combination only follows from a wrong value in it."""
    return any(_concerns(wrong, key) for key in (problem.key, *problem.others) for wrong in broken)


def _concerns(wrong: str, key: str) -> bool:
    """Whether the value of `key` is not what the user meant, because the value of `wrong` was left out."""
    if key == checks.ANY_POOL:
        _, _, name = wrong.partition("workers.")
        return wrong == "workers" or (
            bool(name) and name.partition(".")[2].split(".")[0] in ("", *checks.SIZES_OF_A_POOL)
        )
    if key == wrong or key.startswith(f"{wrong}."):
        return True
    # A wrong entry spoils its list, but not its section: the rest of the section is as it was.
    node = schema.at(key.split("."))
    return wrong.startswith(f"{key}.") and key != "workers" and not (node and schema.is_section(node))
