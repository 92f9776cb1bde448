"""What people and editors read about the settings: in step with them, and true."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from settings import schema
from settings.__main__ import MADE
from settings.load import parse
from settings.presets import PRESETS
from settings.reference.json_schema import json_schema

PROJECT = Path(__file__).resolve().parents[3]
STACKS = sorted(path for path in PROJECT.glob("Pulumi.*.yaml"))
BAD = Path(__file__).parent / "bad_stacks"
SCHEMA = jsonschema.Draft7Validator(json_schema())


def stack_file(values: dict[str, Any]) -> dict[str, Any]:
    """A stack file's document with these keys."""
    return {"config": {f"openstack-paas:{key}": value for key, value in values.items()}}


@pytest.mark.parametrize("what", MADE)
def test_what_is_made_from_the_settings_is_not_stale(what: str) -> None:
    path, make = MADE[what]
    assert path.read_text(encoding="utf-8") == make(), "run `python -m settings write`"


def test_every_key_is_in_the_reference() -> None:
    text = MADE["docs"][0].read_text(encoding="utf-8")
    for place, section in schema.sections():
        for key in section["properties"]:
            assert f"| `{key}` |" in text, (*place, key)


def test_the_first_stack_file_of_the_reference_is_right_and_short() -> None:
    text = MADE["docs"][0].read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(config:.*?)```", text, re.DOTALL)
    assert example is not None
    document = yaml.safe_load(example[1])
    SCHEMA.validate(document)
    platform = parse({key.removeprefix("openstack-paas:"): value for key, value in document["config"].items()}, "prod")
    assert platform.warnings == ()
    assert len(example[1].splitlines()) <= 10


def test_the_report_in_the_reference_is_a_real_one() -> None:
    from tests.unit.settings.test_problems import report

    text = MADE["docs"][0].read_text(encoding="utf-8")
    for problem in report({"gateway": {}, "etcd": {"count": 4}}):
        assert f"  - {problem}\n" in text


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_committed_stack_files_fit_the_schema_and_name_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first, *_ = text.splitlines()
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert PROJECT / named == MADE["schema"][0]
    SCHEMA.validate(yaml.safe_load(text))


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_fit_the_schema(preset: str) -> None:
    SCHEMA.validate(stack_file({"preset": preset, **PRESETS[preset]}))


@pytest.mark.parametrize("noun", ["keys", "types", "ranges", "texts"])
def test_mistakes_of_single_values_are_marked_in_an_editor(noun: str) -> None:
    for entry in yaml.safe_load((BAD / f"{noun}.yaml").read_text(encoding="utf-8")):
        assert not SCHEMA.is_valid(stack_file(entry["stack"])), entry["stack"]


@pytest.mark.parametrize(
    "document",
    [
        {"encryptionsalt": "v1:abc", "secretsprovider": "passphrase", "environment": ["shared"], "config": {}},
        {
            "config": {
                "openstack:cloud": "mycloud",
                "openstack:password": {"secure": "v1:abc"},
                "pulumi:tags": {"a": "b"},
            }
        },
        {"config": {"openstack-paas:databaseRootPassword": {"secure": "v1:abc"}}},
        {"config": {"openstack-paas:network": {"secure": "v1:abc"}}},
    ],
)
def test_what_is_pulumi_s_own_is_let_through(document: dict[str, Any]) -> None:
    SCHEMA.validate(document)


def test_a_password_in_plain_text_is_marked() -> None:
    assert not SCHEMA.is_valid(stack_file({"databaseRootPassword": "hunter2"}))
