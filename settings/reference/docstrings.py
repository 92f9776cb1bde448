"""Docstrings of sections and of their fields, read from the source: at run time Python keeps none of a field."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache

from settings.model import Section


@cache
def _of_module(path: str) -> Mapping[str, Mapping[str, str]]:
    """Docstrings of fields by class and name."""
    with open(path, encoding="utf-8") as source:
        tree = ast.parse(source.read())
    return {node.name: _of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> Mapping[str, str]:
    """A text that stands right below an annotated name is that field's docstring."""
    found: dict[str, str] = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[field.target.id] = inspect.cleandoc(str(below.value.value))
    return found


def of_field(section: type[Section], name: str) -> str:
    """The docstring of a field, from the section or the one that it extends. Raises KeyError when there is none."""
    for one in section.__mro__:
        if one is not Section and issubclass(one, Section):
            found = _of_module(inspect.getfile(one)).get(one.__name__, {})
            if name in found:
                return found[name]
    raise KeyError(f"{section.__name__}.{name} has no docstring")


def of_section(section: type[Section]) -> str:
    """The docstring of a section."""
    return inspect.cleandoc(section.__doc__ or "")


def paragraphs(text: str) -> list[str]:
    """A docstring's paragraphs, each on one line."""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def first(text: str) -> str:
    """A docstring's first paragraph on one line: what a list of keys says of one."""
    return paragraphs(text)[0]
