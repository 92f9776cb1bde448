"""The drills. Each module here adds its own: a subclass of Drill with a name is all it takes."""

from __future__ import annotations

import importlib
import pkgutil

from ops.drill.drill import Drill


def _subclasses(kind: type[Drill]) -> set[type[Drill]]:
    return {kind}.union(*(_subclasses(each) for each in kind.__subclasses__()))


def known() -> dict[str, type[Drill]]:
    """Every drill by its name, the gentle ones first."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    here = [kind for kind in _subclasses(Drill) if kind.name and kind.__module__.startswith(__name__)]
    return {kind.name: kind for kind in sorted(here, key=lambda kind: (kind.order, kind.name))}
