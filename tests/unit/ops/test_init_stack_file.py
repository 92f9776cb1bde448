"""The stack file that `paas init` writes, by preset against golden files (UPDATE_GOLDEN=1 writes them)."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ops.init.stack_file import CLOUD_KEY, NAMESPACE, Kept, has_secret, read, read_sources, render
from settings.load import parse
from settings.presets import PRESETS
from tests.unit.ops.init_samples import answered

PROJECT = Path(__file__).resolve().parents[3]
GOLDEN = Path(__file__).parent / "golden" / "init"
KEPT = Kept({"encryptionsalt": "v1:salt"}, {f"{NAMESPACE}:databaseRootPassword": {"secure": "v1:cipher"}})
#: A default that stands in the file as a comment: `#key: value`, which prose is not.
DEFAULT = re.compile(r"^( *)#(?=[^ #])", re.MULTILINE)


def rendered(keys: dict[str, Any], kept: Kept = KEPT, cloud: str = "") -> str:
    kept = Kept(kept.keyring, {**kept.config, CLOUD_KEY: cloud}) if cloud else kept
    return render("trial", keys, parse(keys, "trial"), kept)


def keys_of(preset: str) -> dict[str, Any]:
    """Each preset with other answers, so that the golden files show all of them."""
    if preset == "education":
        return answered(preset=preset)
    if preset == "dev":
        sources = {"proxy": {"http": "http://proxy.example.org:3128", "extraNoProxy": ["example.org"]}}
        return answered("shop", sources, preset=preset, image="noble-server-cloudimg")
    return answered(preset=preset, ssh_from="198.51.100.0/24", kubernetes="1.35.0")


@pytest.mark.parametrize("preset", PRESETS)
def test_the_file_of_a_preset(preset: str) -> None:
    content, path = rendered(keys_of(preset), cloud="mycloud" if preset == "dev" else ""), GOLDEN / f"{preset}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert content == path.read_text(), f"differs from {path}; if it is meant to, UPDATE_GOLDEN=1 rewrites it"


@pytest.mark.parametrize("preset", PRESETS)
def test_reading_it_back_gives_the_answers(preset: str) -> None:
    keys = keys_of(preset)
    assert read(rendered(keys)) == (keys, KEPT)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_defaults_in_comments_are_the_defaults(preset: str) -> None:
    """Every default with its # taken away, all at once: the platform stays what it is."""
    keys = keys_of(preset)
    before = parse(keys, "trial")
    spelled, _ = read(DEFAULT.sub(r"\1", rendered(keys).partition("\n\n")[2]))
    assert len(spelled) > len(keys)
    spelled["clusterName"] = keys.get("clusterName", "")
    after = parse(spelled, "trial")
    assert after.settings == before.settings
    assert after.plan == before.plan


def test_names_that_yaml_would_misread_stay_what_they_are() -> None:
    keys = answered()
    keys["network"] = {"external": "no"}
    keys["etcd"] = {"flavor": "1.10", "image": "Debian 12: #1 {x}"}
    assert read(rendered(keys))[0] == keys


def test_mirrors_of_another_stack_stay_what_they_are() -> None:
    sources = read_sources(PROJECT / "Pulumi.lab.yaml")
    assert read(rendered(answered(sources=sources)))[0]["mirrors"] == sources["mirrors"]


def test_a_cloud_that_was_named_is_written() -> None:
    assert yaml.safe_load(rendered(answered(), cloud="mycloud"))["config"]["openstack:cloud"] == "mycloud"
    assert "openstack:cloud" not in rendered(answered())


def test_no_line_is_too_long_and_none_has_spaces_at_its_end() -> None:
    for line in rendered(keys_of("production"), cloud="mycloud").splitlines():
        assert len(line) <= 120
        assert line == line.rstrip()


@pytest.mark.parametrize("preset", PRESETS)
def test_an_editor_finds_no_fault_in_it(preset: str) -> None:
    """By the schema that its first line names; with the defaults spelled out as well."""
    text = rendered(keys_of(preset), cloud="mycloud")
    schema = json.loads((PROJECT / text.splitlines()[0].partition("$schema=")[2]).read_text())
    jsonschema.validate(yaml.safe_load(text), schema)
    jsonschema.validate(yaml.safe_load(DEFAULT.sub(r"\1", text)), schema)


def test_secrets_and_what_is_not_ours_are_kept() -> None:
    text = """
config:
  openstack-paas:preset: dev
  openstack-paas:databaseRootPassword: {secure: v1:a}
  openstack-paas:proxy: {http: {secure: v1:b}}
  openstack:cloud: mycloud
secretsprovider: awskms://key
encryptedkey: k
"""
    plain, kept = read(text)
    assert plain == {"preset": "dev"}
    assert kept.keyring == {"secretsprovider": "awskms://key", "encryptedkey": "k"}
    assert list(kept.config) == ["openstack-paas:databaseRootPassword", "openstack-paas:proxy", "openstack:cloud"]


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ({"secure": "v1:x"}, True),
        ({"a": [{"secure": "v1:x"}]}, True),
        ({"secure": "v1:x", "other": 1}, False),
        ({"a": {"b": ["secure"]}}, False),
        ("secure", False),
    ],
)
def test_what_a_secret_is(value: Any, secret: bool) -> None:
    assert has_secret(value) is secret


@pytest.mark.parametrize("text", ["- a\n", "config: [a]\n", "config: text\n"])
def test_what_is_no_stack_file(text: str) -> None:
    with pytest.raises(ValueError, match="is not a stack file"):
        read(text)
