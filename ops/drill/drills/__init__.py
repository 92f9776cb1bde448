"""The drills. Each module here adds its own: a subclass of Drill with a name is all it takes."""

from __future__ import annotations

import importlib
import pkgutil

from ops.drill.drill import Drill


def _below(kind: type[Drill]) -> set[type[Drill]]:
    return {each for direct in kind.__subclasses__() for each in (direct, *_below(direct))}


def known() -> dict[str, type[Drill]]:
    """Every drill by its name, the gentle ones first."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    # Only to be asked for what is below it.
    base: type[Drill] = Drill  # type: ignore[type-abstract]
    here = [kind for kind in _below(base) if kind.name and kind.__module__.startswith(__name__)]
    return {kind.name: kind for kind in sorted(here, key=lambda kind: (kind.order, kind.name))}
