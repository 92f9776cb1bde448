"""Values against the sections' types: all mistakes at once, and settings made from the rest."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from settings import error_messages, schema
from settings.platform_settings import PlatformSettings
from settings.presets import PRESETS, merged
from settings.problem import Problem

#: Rounds of removing what is wrong. Removing a value reveals at most a missing key above it.
_ROUNDS: Final = 5
#: Names for pools whose own name is invalid, so that their machines still count.
_STAND_IN: Final = "pool"


def validate(given: Mapping[str, Any], preset: str) -> tuple[PlatformSettings, list[Problem], set[str]]:
    """Settings of `given` over the preset, the problems of `given`, and the keys whose values were left out."""
    values: dict[str, Any] = copy.deepcopy(dict(given))
    problems: list[Problem] = []
    broken: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            return PlatformSettings.model_validate(merged(PRESETS[preset], values)), problems, broken
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
        holder = holder[step]
    entry = holder.pop(location[-1], None)
    if location[0] != "workers" or len(location) != 2 or entry is None:
        return error_messages.dotted(location)
    name = next(name for number in range(len(holder) + 1) if (name := f"{_STAND_IN}{number}") not in holder)
    holder[name] = entry
    return f"workers.{name}"
