"""From stack configuration to checked settings: every problem in one report, before anything is changed."""

import copy
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError

from settings import checks, error_messages, replacement, resolved, schema, stack_file
from settings.plan import make_plan
from settings.platform import Platform
from settings.platform_settings import PlatformSettings
from settings.presets import PRESETS, WHOLE, merged
from settings.problem import Problem, SettingsError
from settings.redact import redacted
from settings.rules import Context
from settings.running import Running

#: Names in place of invalid ones, so that everything else can still be checked: of the cluster, and of pools.
_CLUSTER: Final = "cluster"
_POOL: Final = "pool"
#: Rounds of removing what is wrong. Removing a value reveals at most a missing key above it.
_ROUNDS: Final = 5


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
    settings, mistaken, left_out = _validate(given, _preset(given))
    problems += mistaken
    broken |= left_out
    cluster = settings.cluster_name or stack
    name = schema.root()["properties"]["clusterName"]
    if not re.fullmatch(name["pattern"], cluster):
        if "clusterName" not in broken:
            fix = "set clusterName where the stack's name does not fit"
            problems.append(Problem("clusterName", cluster, name["patternErrorMessage"], fix))
        broken.add("clusterName")
        cluster = _CLUSTER
    plan = make_plan(settings, cluster)
    secrets = [key for key in stack_file.SECRETS if values.get(key)]
    context = Context(settings, cluster, plan, running, secrets, checks.today())
    problems += [
        # A value that fits on a line and shows no password.
        replace(problem, value=redacted(problem.value)) if problem.value else problem
        for problem in checks.errors(context)
        if not _follows(problem, broken)
    ]
    if problems or plan is None:
        # In the order of the sections in the reference, with unknown keys first.
        sections = ["", *schema.root()["properties"]]
        places = {section: place for place, section in enumerate(sections)}
        raise SettingsError(sorted(problems, key=lambda problem: places.get(problem.key.split(".")[0], 0)))
    return Platform(
        settings=settings,
        cluster=cluster,
        plan=plan,
        warnings=tuple(checks.warnings(context)),
        working=frozenset(running.instances if running else ()),
        numbered=dict(numbered or {}),
        running=running or Running(),
        replacing=replacement.replacing(settings, plan, running),
    )


def _preset(given: Mapping[str, Any]) -> str:
    """The preset whose defaults apply. For a misspelt one, the one that was probably meant."""
    wanted = given.get("preset", PlatformSettings.model_fields["preset"].default)
    if isinstance(wanted, str) and wanted in PRESETS:
        return wanted
    return error_messages.closest(str(wanted), list(PRESETS)) or "dev"


def _validate(given: Mapping[str, Any], preset: str) -> tuple[PlatformSettings, list[Problem], set[str]]:
    """Settings of `given` over the preset, the problems of `given`, and the keys whose values were left out."""
    values: dict[str, Any] = copy.deepcopy(dict(given))
    problems: list[Problem] = []
    broken: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            return PlatformSettings.model_validate(merged(PRESETS[preset], values, WHOLE)), problems, broken
        except ValidationError as error:
            found = error.errors(include_url=False)
        # A key that was removed is reported as missing now, but its problem has been reported already.
        problems += [error_messages.problem(one) for one in found if error_messages.dotted(one["loc"]) not in broken]
        # From the back, so that the indexes of a list's earlier entries stay valid.
        for location in sorted({tuple(one["loc"]) for one in found}, key=_order, reverse=True):
            broken.add(_take_away(values, location))
        broken |= {meant for one in found if (meant := error_messages.meant(one))}
    return PlatformSettings.model_validate(PRESETS[preset]), problems, broken


def _order(location: schema.Location) -> tuple[tuple[int, str], ...]:
    return tuple((step, "") if isinstance(step, int) else (-1, step) for step in location)


def _take_away(values: dict[str, Any], location: schema.Location) -> str:
    """Remove the value at `location` from `values`, or what contains it if there is none. Return the removed key."""
    if location[-1] == "[key]":
        return _rename(values, location[:-1])
    for depth in range(len(location), 0, -1):
        holder: Any = values
        try:
            for step in location[: depth - 1]:
                holder = holder[step]
            del holder[location[depth - 1]]
        except (KeyError, IndexError, TypeError):
            continue
        return error_messages.dotted(location[:depth])
    return error_messages.dotted(location)


def _rename(values: dict[str, Any], location: schema.Location) -> str:
    """Rename a pool with an invalid name, and remove any other entry with an invalid name."""
    holder: Any = values
    for step in location[:-1]:
        # It is gone where the value of another invalid name was wrong too.
        holder = holder.get(step, {})
    entry = holder.pop(location[-1], None)
    if location[0] != "workers" or len(location) != 2 or entry is None:
        return error_messages.dotted(location)
    name = next(name for number in range(len(holder) + 1) if (name := f"{_POOL}{number}") not in holder)
    holder[name] = entry
    return f"workers.{name}"


def _follows(problem: Problem, broken: Collection[str]) -> bool:
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
