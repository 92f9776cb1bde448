"""The import graph of the project: no circle, no arrow that runs up, and no Pulumi in the settings."""

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
#: What each package may import of the project, besides itself.
MAY_IMPORT: Final[Mapping[str, frozenset[str]]] = {
    "settings": frozenset(),
    "preflight": frozenset({"settings"}),
    "machines": frozenset({"agent", "settings"}),
    "agent": frozenset(),
    "components": frozenset({"settings", "preflight", "machines"}),
    "policy": frozenset({"settings"}),
    "ops": frozenset({"settings", "preflight", "machines", "policy"}),
    "dev": frozenset({"agent", "settings", "preflight", "machines", "components", "policy", "ops"}),
}
#: The only module of the settings that knows Pulumi.
READS_PULUMI: Final = "settings.source"


def name_of(path: Path) -> str:
    """The module's dotted name."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def trees() -> Mapping[str, tuple[ast.Module, bool]]:
    """Every module of the project by name, with whether it is a package."""
    files = [path for package in MAY_IMPORT for path in sorted((PROJECT / package).rglob("*.py"))]
    return {
        name_of(path): (ast.parse(path.read_text(encoding="utf-8")), path.name == "__init__.py")
        for path in [*files, PROJECT / "__main__.py"]
    }


def imported(name: str) -> Iterator[str]:
    """What a module imports, wherever in it: modules, and names that may be modules."""
    tree, is_package = trees()[name]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = name.split(".")[: None if is_package else -1]
            base = parents[: len(parents) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                below = f"{module}.{alias.name}"
                yield below if below in trees() else module


@cache
def graph() -> Mapping[str, frozenset[str]]:
    """The project's own modules, each with those that it imports."""
    return {name: frozenset(imported(name)) & trees().keys() - {name} for name in trees()}


def test_settings_know_pulumi_in_one_place() -> None:
    settings = [name for name in trees() if name.startswith("settings.")]
    assert [name for name in settings if any(used.split(".")[0] == "pulumi" for used in imported(name))] == [
        READS_PULUMI
    ]
    assert [name for name, used in graph().items() if READS_PULUMI in used] == ["__main__"]


def circles() -> set[frozenset[str]]:
    """The modules of each circle: a circle is found, taken out, and the next one is looked for."""
    left = {name: set(used) for name, used in graph().items()}
    found: set[frozenset[str]] = set()
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle = error.args[1]
            found.add(frozenset(circle))
            left[circle[1]].discard(circle[0])
        else:
            return found


def test_there_is_no_circle() -> None:
    assert circles() == set()


def test_the_agent_needs_nothing_but_python() -> None:
    """Machines have nothing else, and see nothing of this project but its archive."""
    names = [name for name in trees() if name.split(".")[0] == "agent"]
    allowed = {*sys.stdlib_module_names, "agent"}
    assert "agent.__main__" in names
    assert [(name, used) for name in names for used in imported(name) if used.split(".")[0] not in allowed] == []


def test_no_arrow_runs_up() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, used in graph().items()
        for other in used
        if (package := name.split(".")[0]) in MAY_IMPORT and other.split(".")[0] not in MAY_IMPORT[package] | {package}
    ]
    assert wrong == []
