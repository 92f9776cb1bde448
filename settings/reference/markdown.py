"""docs/settings.md: the introduction, the presets, and every key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic.fields import FieldInfo

from settings import schema
from settings.error_messages import noun
from settings.model import WORDS, Section
from settings.platform_settings import PlatformSettings
from settings.presets import PRESETS
from settings.redact import redacted
from settings.reference import docstrings
from settings.stack_file import SECRETS

_INTRO: Final = Path(__file__).with_name("intro.md")
_NOTE: Final = "<!-- Made by `python -m settings write` from the docstrings in settings/. -->"


def document() -> str:
    """The whole page."""
    parts = [_NOTE, "", _INTRO.read_text(encoding="utf-8").rstrip(), "", *_presets(), *_sections()]
    return "\n".join(parts).rstrip() + "\n"


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _default(place: tuple[str, ...]) -> Any:
    """The default of a place, whatever the preset; None where there is none."""
    _, field = schema.at(place)
    return None if field is None else field.get_default()


def _by_preset(key: str) -> dict[str, Any]:
    """The values of a key by preset, those that only have the default included."""
    values = {name: dict(_leaves(preset)) for name, preset in PRESETS.items()}
    return {name: found.get(key, _default(tuple(key.split(".")))) for name, found in values.items()}


def _presets() -> Iterator[str]:
    keys = dict.fromkeys(key for preset in PRESETS.values() for key, _ in _leaves(preset))
    yield "## Presets"
    yield ""
    yield "These are only defaults: every key of a stack file overrides them. Named pools replace the preset's pool."
    yield ""
    yield f"| key | {' | '.join(PRESETS)} |"
    yield "|---" * (len(PRESETS) + 1) + "|"
    for key in keys:
        yield f"| `{key}` | {' | '.join(_code(value) for value in _by_preset(key).values())} |"
    yield ""


def _code(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "-"
    plain = [str(entry) for entry in value] if isinstance(value, tuple) else value
    return f"`{redacted(plain if isinstance(plain, (str, bool, int, float, list, dict)) else str(plain))}`"


def _written(place: tuple[str, ...]) -> str:
    """A section's place as people write it."""
    words = {"*": "NAME", "0": "[]"}
    return ".".join(words.get(step, step) for step in place).replace(".[]", "[]")


def _sections() -> Iterator[str]:
    """Sections of one type are described once, with all their places."""
    places: dict[type[Section], list[tuple[str, ...]]] = {}
    for place, section in schema.sections():
        places.setdefault(section, []).append(place)
    for section, found in places.items():
        title = ", ".join(f"`{_written(place)}`" for place in found if place)
        yield f"## {title}" if title else "## All keys"
        yield ""
        for paragraph in docstrings.paragraphs(docstrings.of_section(section)):
            yield paragraph
            yield ""
        yield "| key | value | default | what it is |"
        yield "|---|---|---|---|"
        for key, field in schema.fields(section).items():
            yield _row(section, found, key, field)
        if section is PlatformSettings:
            for key, text in SECRETS.items():
                yield f"| `{key}` | text, secret | - | {text} |"
        yield ""


def _row(section: type[Section], places: list[tuple[str, ...]], key: str, field: FieldInfo) -> str:
    name = next(name for name, one in section.model_fields.items() if one is field)
    text = "<br>".join(docstrings.paragraphs(docstrings.of_field(section, name)))
    cells = [_kind(field), _defaults(places, key, field), text]
    return f"| `{key}` | {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _kind(field: FieldInfo) -> str:
    """What a value is, with its rule."""
    annotation = schema.bare(field.annotation)
    entry = schema.below(annotation)
    if entry is None:
        return _plain_kind(field.annotation, field)
    is_list = get_origin(annotation) is tuple
    if schema.is_section(schema.bare(entry)):
        return "a list of sections" if is_list else "sections by name"
    kind = "a list" if is_list else "keys with values"
    return kind if entry is Any else f"{kind}, each {_plain_kind(entry, None)}"


def _plain_kind(annotation: Any, field: FieldInfo | None) -> str:
    """The kind of a value that is neither a list nor a mapping."""
    kind = schema.bare(annotation)
    if schema.is_section(kind):
        return "section"
    if kind is Any:
        return "anything"
    if noun(kind) == "one of a few words":
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if span := schema.span(annotation, field):
        return f"{noun(kind)}, {span}"
    if pattern := schema.pattern(annotation, field):
        return WORDS[pattern].rule.removeprefix("must be ").removeprefix("must ")
    return noun(kind)


def _defaults(places: list[tuple[str, ...]], key: str, field: FieldInfo) -> str:
    if field.is_required():
        return "must be set"
    annotation = schema.bare(field.annotation)
    if schema.is_section(annotation):
        return "see there" if field.get_default() is not None else "-"
    for place in places:
        of_presets = _by_preset(".".join((*place, key)))
        if len(set(map(str, of_presets.values()))) > 1:
            return "<br>".join(f"{name}: {_code(value)}" for name, value in of_presets.items())
    return _code(field.get_default())
