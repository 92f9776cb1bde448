"""Which files of the project a module of it needs."""

from modulefinder import ModuleFinder
from pathlib import Path
from typing import Final

_PROJECT: Final = Path(__file__).resolve().parents[3]


def sources_of(module: str) -> list[Path]:
    """The file of the module, and those of all that it imports in turn of this project; nothing of it is run."""
    # It looks nowhere else: what it does not find is the standard library's.
    finder = ModuleFinder(path=[str(_PROJECT)])
    finder.import_hook(module)
    files = (getattr(found, "__file__", None) for found in finder.modules.values())
    return sorted(Path(file) for file in files if file)
