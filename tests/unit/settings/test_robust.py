"""Whatever is in a stack file: settings or a report, never a traceback, and never a report without its key."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from settings import schema
from settings.load import parse
from settings.problem import SettingsError
from settings.redact import LONGEST

ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    7,
    10**12,
    0.5,
    "",
    " ",
    "x",
    "10.20.0.0/22",
    "0.0.0.0/0",
    "10.20.0.5",
    "fd00::1",
    "http://[",
    "http://host:0/",
    "{",
    "ü" * 300,
    [],
    [None],
    ["x", 1],
    [[]],
    {},
    {"x": None},
    {"": ""},
    {"a": {"b": {}}},
]


def places() -> Iterator[tuple[str, ...]]:
    """Every key, with a name or a number where the user has the choice, and an entry below lists and mappings."""
    for place, section in schema.sections():
        given = tuple("general" if step == "*" else step for step in place)
        for key, node in section["properties"].items():
            yield (*given, key)
            if schema.below(node) is not None:
                yield (*given, key, "0" if "items" in node else "key")


def stack(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A stack file with this one value."""
    for step in reversed(place):
        value = [value] if step == "0" else {step: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("place", list(dict.fromkeys(places())), ids=".".join)
def test_odd_values_are_reported_at_their_key(place: tuple[str, ...]) -> None:
    for value in ODD:
        try:
            parse({"preset": "production", **stack(place, value)}, "dev")
        except SettingsError as error:
            for problem in error.problems:
                text = str(problem)
                assert problem.key and problem.rule and problem.fix, text
                assert "Input should" not in text
                assert "\n" not in text
                assert len(problem.value) <= LONGEST, text


@pytest.mark.parametrize("text", ["{", "[", '{"a": }', '{"count": 1', "[1,]", "null", "5", '"x"', "true"])
def test_text_in_place_of_a_section_is_reported(text: str) -> None:
    for key, node in schema.root()["properties"].items():
        if not schema.is_section(node):
            continue
        with pytest.raises(SettingsError) as caught:
            parse({key: text}, "dev")
        assert [problem.key for problem in caught.value.problems] == [key]


def test_problems_of_two_sections_do_not_hide_each_other() -> None:
    one, two = {"etcd": {"count": 4}}, {"database": {"bufferPool": "1Gi"}}
    alone = [reported(values) for values in (one, two)]
    assert reported(one | two) == alone[0] + alone[1]


def reported(values: dict[str, Any]) -> list[str]:
    """The report on a bad stack file."""
    with pytest.raises(SettingsError) as caught:
        parse(json.loads(json.dumps(values)), "dev")
    return [str(problem) for problem in caught.value.problems]
