"""The schema of stack files: what may be at each place, read from the sections' types."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from settings.model import Section
from settings.platform_settings import PlatformSettings

Location = Sequence[int | str]


def bare(annotation: Any) -> Any:
    """A type without its metadata and without None: what a user writes when the key is set."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next(argument for argument in get_args(annotation) if argument is not type(None))
        else:
            return annotation


@cache
def fields(section: type[Section]) -> Mapping[str, FieldInfo]:
    """The fields of a section by the keys of stack files."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def is_section(annotation: Any) -> bool:
    """Whether a (bare) type is a section."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def below(annotation: Any) -> Any:
    """The type of an entry of a list or of a mapping. None for anything else."""
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return arguments[1]
    return arguments[0] if get_origin(annotation) is tuple else None


def _metadata(annotation: Any, field: FieldInfo | None) -> Iterator[Any]:
    """All annotations of a type, or of its field."""
    for entry in (*(field.metadata if field else ()), *getattr(annotation, "__metadata__", ())):
        yield entry
        yield from getattr(entry, "metadata", ())
    if get_origin(annotation) in (Annotated, Union, types.UnionType):
        for argument in get_args(annotation)[: 1 if get_origin(annotation) is Annotated else None]:
            yield from _metadata(argument, None)


def bounds(annotation: Any, field: FieldInfo | None) -> tuple[Any, Any]:
    """The least and the greatest value. None where there is no limit."""
    parts = list(_metadata(annotation, field))
    low = next((part.ge for part in parts if getattr(part, "ge", None) is not None), None)
    high = next((part.le for part in parts if getattr(part, "le", None) is not None), None)
    return low, high


def span(annotation: Any, field: FieldInfo | None) -> str:
    """The range in words: "1 to 7", "32 or more". Empty without one."""
    low, high = bounds(annotation, field)
    if low is None:
        return ""
    return f"{low} or more" if high is None else f"{low} to {high}"


def pattern(annotation: Any, field: FieldInfo | None) -> str | None:
    """The pattern of a text. None without one."""
    parts = _metadata(annotation, field)
    return next((str(part.pattern) for part in parts if getattr(part, "pattern", None)), None)


def at(location: Location) -> tuple[Any, FieldInfo | None]:
    """The type at a place, and its field if it is one. (None, None) for an unknown place."""
    annotation: Any = PlatformSettings
    field: FieldInfo | None = None
    for step in location:
        annotation = bare(annotation)
        if is_section(annotation):
            field = fields(annotation).get(str(step))
            annotation = field.annotation if field else None
        elif step != "[key]":
            field, annotation = None, below(annotation)
        if annotation is None:
            return None, None
    return annotation, field


def sections() -> Iterator[tuple[tuple[str, ...], type[Section]]]:
    """Every section with its place, outermost first. There `*` is a key of the user, `0` an entry of a list."""

    def under(place: tuple[str, ...], section: type[Section]) -> Iterator[tuple[tuple[str, ...], type[Section]]]:
        yield place, section
        for key, field in fields(section).items():
            annotation, here = bare(field.annotation), (*place, key)
            while (entry := below(annotation)) is not None:
                here = (*here, "*" if get_origin(annotation) is dict else "0")
                annotation = bare(entry)
            if is_section(annotation):
                yield from under(here, annotation)

    yield from under((), PlatformSettings)
