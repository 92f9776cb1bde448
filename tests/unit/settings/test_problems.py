"""Bad stack files: each one's whole report, word for word, from tests/unit/settings/bad_stacks."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.load import parse
from settings.problem import SettingsError

FOLDER = Path(__file__).parent / "bad_stacks"
TABLE = [
    pytest.param(entry["stack"], entry["report"], id=f"{path.stem}-{number}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for number, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")))
]


def report(values: Mapping[str, Any], stack: str = "dev") -> list[str]:
    """What is said of a bad stack file, problem by problem."""
    with pytest.raises(SettingsError) as caught:
        parse(values, stack)
    return [str(problem) for problem in caught.value.problems]


def as_pulumi_hands_it(value: object) -> object:
    """Objects and lists as JSON with sorted keys, anything else as its text."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(("values", "expected"), TABLE)
def test_the_whole_report(values: dict[str, Any], expected: list[str]) -> None:
    assert report(values) == expected


@pytest.mark.parametrize(("values", "expected"), TABLE)
def test_the_same_report_on_what_pulumi_hands_over(values: dict[str, Any], expected: list[str]) -> None:
    handed = {key: as_pulumi_hands_it(value) for key, value in values.items()}
    assert sorted(report(handed)) == sorted(expected)


@pytest.mark.parametrize(
    ("day", "good"),
    [("", True), ("2026-03-01", True), ("2026-02-28", True), ("2026-02-27", False), ("2026-03-02", False)],
)
def test_an_empty_etcd_is_wanted_for_one_day(monkeypatch: pytest.MonkeyPatch, day: str, good: bool) -> None:
    """Left behind it would permit an empty etcd whenever data is lost."""
    monkeypatch.setattr("settings.checks.today", lambda: date(2026, 3, 1))
    if good:
        assert parse({"etcd": {"startEmpty": day}}, "dev").settings.etcd.start_empty == day
        return
    (found,) = report({"etcd": {"startEmpty": day}})
    assert found == (
        f"etcd.startEmpty {day}: is not today's date (UTC): an empty etcd ends every pod, so what permits one holds for"
        " one day and is not left behind; remove it; where all that etcd held is to be given up today, write"
        ' "2026-03-01"'
    )


def test_the_table_is_long_and_has_no_entry_twice() -> None:
    stacks = [json.dumps(entry.values[0], sort_keys=True) for entry in TABLE]
    assert len(stacks) == len(set(stacks)) >= 150


def test_the_report_counts_and_lists() -> None:
    with pytest.raises(SettingsError) as caught:
        parse({"gateway": {}, "etcd": {"count": 4}}, "dev")
    first, *problems = str(caught.value).splitlines()
    assert first == "2 problems, nothing was changed:"
    assert problems[0] == "  - gateway: unknown key; did you mean gateways?"
    assert len(problems) == 2


def test_a_stack_name_that_fits_no_host_name_needs_a_cluster_name() -> None:
    assert report({}, "My_Stack") == [
        "clusterName My_Stack: must be 1 to 20 lower-case letters, digits and dashes, a letter first and no dash last; "
        "set clusterName where the stack's name does not fit"
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"databaseRootPasword": "hunter2"},
        {"proxy": {"http": "http://user:hunter2@proxy"}},
        {"network": '{"external": hunter2'},
        {"mirrors": {"password": "hunter2"}},
    ],
)
def test_no_secret_is_shown(values: dict[str, Any]) -> None:
    assert "hunter2" not in "".join(report(values))


def test_no_message_is_pydantic_s() -> None:
    text = "".join(line for entry in TABLE for line in entry.values[1])
    for words in ("Input should", "validation error", "Extra inputs", "Field required", "pydantic"):
        assert words not in text
