"""From stack configuration to checked settings: every problem in one report, before anything is touched."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from settings import addresses
from settings.model import Section
from settings.platform import Platform, PlatformSettings
from settings.presets import PRESETS, merged

#: Keys of the stack file that hold secrets; they are never read into settings, only as Pulumi secrets.
SECRET_KEYS = frozenset({"databaseRootPassword", "databaseReplicationPassword"})


class SettingsError(Exception):
    """The stack's configuration has problems; `problems` names each with its key, value, rule and fix."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"{len(self.problems)} problem(s) in the stack's configuration:\n{lines}")


def _plain(value: Any) -> Any:
    """A stack file's value; Pulumi hands objects and numbers over as JSON text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _keys_at(location: tuple[str | int, ...]) -> list[str]:
    """The keys that are allowed beside the one that `location` ends in."""
    model: Any = PlatformSettings
    for part in location[:-1]:
        if isinstance(model, type) and issubclass(model, Section):
            field: FieldInfo | None = next(
                (f for name, f in model.model_fields.items() if part in (name, f.alias)), None
            )
            model = field.annotation if field else None
        if str(part) == "workers" or model is None:
            from settings.machines import WorkerPoolSettings

            model = WorkerPoolSettings
    if isinstance(model, type) and issubclass(model, Section):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []


def _problem(error: Mapping[str, Any]) -> list[str]:
    location = tuple(error["loc"])
    key = ".".join(str(part) for part in location)
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(location[-1]), _keys_at(location), n=1)
        return [f"{key}: unknown key" + (f"; did you mean {close[0]}?" if close else "; remove it")]
    message = re.sub(r"^Value error, ", "", error["msg"])
    value = error.get("input")
    if not location:
        return message.split("\n")
    shown = "" if isinstance(value, Mapping | Section) else f" {value!r}"
    return [f"{key}{shown}: {message}"]


def parse(values: Mapping[str, Any], stack: str) -> Platform:
    """Checked settings from the keys of a stack file (`values`, camelCase, without secrets) of the stack `stack`.

    Raises SettingsError with every problem that was found.
    """
    given = {key: _plain(value) for key, value in values.items() if key not in SECRET_KEYS and value not in ("", None)}
    preset = given.get("preset", "dev")
    if preset not in PRESETS:
        raise SettingsError([f"preset {preset!r}: must be one of {', '.join(PRESETS)}"])
    try:
        settings = TypeAdapter(PlatformSettings).validate_python(merged(PRESETS[preset], given))
    except ValidationError as error:
        problems = [line for item in error.errors() for line in _problem(item)]
        raise SettingsError(dict.fromkeys(problems)) from None
    cluster = settings.cluster_name or stack
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", cluster):
        raise SettingsError(
            [
                f"clusterName {cluster!r}: must be 1 to 20 lower-case letters, digits and dashes, a letter first "
                "(it prefixes host names); set clusterName where the stack's name does not fit"
            ]
        )
    return Platform(settings=settings, cluster=cluster, addresses=addresses.plan(settings, cluster))
