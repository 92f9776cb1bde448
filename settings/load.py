"""From stack configuration to checked settings: every problem in one report, before anything is touched."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from settings import addresses, checks
from settings.platform import Platform, PlatformSettings
from settings.presets import PRESETS, merged
from settings.problem import Problem, SettingsError
from settings.running import Running

#: Keys of the stack file that hold secrets; they are never read into settings, only as Pulumi secrets.
SECRET_KEYS = frozenset({"databaseRootPassword", "databaseReplicationPassword"})
#: What a cluster's name must be; it is the prefix of host names.
CLUSTER_NAME = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")


def _plain(value: Any) -> Any:
    """A stack file's value; Pulumi hands objects and numbers over as JSON text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def parse(values: Mapping[str, Any], stack: str, running: Running | None = None) -> Platform:
    """Checked settings from the keys of a stack file (`values`, camelCase, without secrets) of the stack `stack`.

    `running` is what the stack runs already, for rules about changes. Raises SettingsError with every problem.
    """
    given = {key: _plain(value) for key, value in values.items() if key not in SECRET_KEYS and value not in ("", None)}
    found: list[Problem] = []
    preset = given.get("preset", "dev")
    if preset not in PRESETS:
        raise SettingsError([Problem("preset", str(preset), "is no preset", f"use one of {', '.join(PRESETS)}")])
    try:
        settings = PlatformSettings.model_validate(merged(PRESETS[preset], given))
    except ValidationError as error:
        raise SettingsError(
            Problem(".".join(map(str, item["loc"])), str(item["input"]), item["msg"], "correct it")
            for item in error.errors()
        ) from None
    cluster = settings.cluster_name or stack
    if not CLUSTER_NAME.fullmatch(cluster):
        found.append(
            Problem(
                "clusterName",
                cluster,
                "must be 1 to 20 lower-case letters, digits and dashes, a letter first (it prefixes host names)",
                "set clusterName where the stack's name does not fit",
            )
        )
        cluster = "cluster"
    plan, misfits = addresses.plan(settings, cluster)
    found += [*misfits, *checks.problems(settings, cluster, plan, running)]
    if found or plan is None:
        raise SettingsError(found)
    return Platform(settings=settings, cluster=cluster, addresses=plan, warnings=tuple(checks.warnings(settings, plan)))
