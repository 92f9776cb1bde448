"""docs/settings.md: the introduction, the presets, and every key."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from settings import schema
from settings.error_messages import noun
from settings.presets import PRESETS
from settings.redact import redacted
from settings.schema import Node
from settings.stack_file import SECRETS

_INTRO: Final = Path(__file__).with_name("intro.md")
_NOTE: Final = "<!-- Made by `python -m settings write` from the docstrings in settings/. -->"
_PRESETS: Final = (
    "These are only defaults: every key of a stack file overrides them. Named pools replace the preset's pool."
)


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


def _by_preset(key: str) -> dict[str, Any]:
    """The values of a key by preset, those that only have the default included."""
    default = (schema.at(key.split(".")) or {}).get("default")
    return {name: dict(_leaves(preset)).get(key, default) for name, preset in PRESETS.items()}


def _presets() -> Iterator[str]:
    keys = dict.fromkeys(key for preset in PRESETS.values() for key, _ in _leaves(preset))
    yield from ("## Presets", "", _PRESETS, "")
    yield f"| key | {' | '.join(PRESETS)} |"
    yield "|---" * (len(PRESETS) + 1) + "|"
    for key in keys:
        yield f"| `{key}` | {' | '.join(map(_code, _by_preset(key).values()))} |"
    yield ""


def _code(value: Any) -> str:
    return "-" if value in (None, "", [], {}) else f"`{redacted(value)}`"


def _written(place: tuple[str, ...]) -> str:
    """A section's place as people write it."""
    words = {"*": "NAME", "0": "[]"}
    return ".".join(words.get(step, step) for step in place).replace(".[]", "[]")


def _sections() -> Iterator[str]:
    """Sections of one type are described once, with all their places."""
    for place, section in schema.sections():
        places = [other for other, same in schema.sections() if same is section]
        if place != places[0]:
            continue
        yield f"## {', '.join(f'`{_written(each)}`' for each in places)}" if place else "## All keys"
        yield from ("", *section["description"].replace("\n\n", "\n\n\n").split("\n\n"), "")
        yield from ("| key | value | default | what it is |", "|---|---|---|---|")
        for key, node in section["properties"].items():
            default = "must be set" if key in section.get("required", ()) else _default(places, key, node)
            cells = [_kind(node), default, node["description"].replace("\n\n", "<br>")]
            yield f"| `{key}` | {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
        if not place:
            for key, text in SECRETS.items():
                yield f"| `{key}` | text, secret | - | {text} |"
        yield ""


def _kind(node: Node) -> str:
    """What a value is, with its rule."""
    entry = schema.below(node)
    if entry is None:
        return _plain_kind(node)
    is_list = "items" in node
    if schema.is_section(entry):
        return "a list of sections" if is_list else "sections by name"
    kind = "a list" if is_list else "keys with values"
    return f"{kind}, each {_plain_kind(entry)}" if entry else kind


def _plain_kind(node: Node) -> str:
    """The kind of a value that is neither a list nor a mapping."""
    if schema.is_section(node):
        return "section"
    if "enum" in node:
        return ", ".join(f"`{choice}`" for choice in node["enum"])
    if span := schema.span(node):
        return f"{noun(node)}, {span}"
    if "pattern" in node and "format" not in node:
        return str(node["patternErrorMessage"]).removeprefix("must be ").removeprefix("must ")
    return noun(node)


def _default(places: list[tuple[str, ...]], key: str, node: Node) -> str:
    if schema.is_section(node):
        return "see there" if "default" in node else "-"
    for place in places:
        of_presets = _by_preset(".".join((*place, key)))
        if len(set(map(str, of_presets.values()))) > 1:
            return "<br>".join(f"{name}: {_code(value)}" for name, value in of_presets.items())
    return _code(node.get("default"))
