"""Platform sizes for each preset's purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from settings.problem import Problem
from settings.rules import Context

#: Least number of nodes (control planes and workers) by preset, and the fix.
_LEAST: Final[Mapping[str, tuple[int, str]]] = {
    "dev": (3, "use 3 or 4"),
    "production": (5, "use 5 or more, 8 are recommended"),
}


def warnings(context: Context) -> Iterator[Problem]:
    """Too few nodes for the preset's purpose."""
    settings = context.settings
    if settings.preset not in _LEAST:
        return
    least, fix = _LEAST[settings.preset]
    nodes = settings.control_planes.count + sum(len(pool.places) for pool in settings.workers.values())
    if nodes < least:
        counted = f"{nodes} node{'s' if nodes > 1 else ''} with the control planes"
        yield Problem(
            "workers",
            "",
            f"{counted}, and the preset {settings.preset} expects {least}",
            fix,
        )
