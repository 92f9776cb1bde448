"""The drills. Each module here adds its own: a subclass of Drill with a name is all it takes."""

import importlib
import pkgutil

from ops.drill.base import Drill


def known() -> dict[str, type[Drill]]:
    """Every drill by its name, the gentle ones first."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    defined = [value for module in modules for value in vars(module).values() if isinstance(value, type)]
    kinds = {kind for kind in defined if issubclass(kind, Drill) and kind.name}
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: (kind.order, kind.name))}
