"""The text of a stack file: rendered from its keys, with every line explained and the defaults beside them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ops.init.questions import PURPOSES
from settings.platform import Platform

#: Pulumi's namespace of the project's keys: its name in Pulumi.yaml.
NAMESPACE: Final = "openstack-paas"
#: What Pulumi itself writes beside `config`, so that it can read the secrets again.
KEYRING: Final = ("secretsprovider", "encryptionsalt", "encryptedkey")
#: Where the JSON Schema of stack files lies, seen from a stack file.
SCHEMA: Final = "docs/stack.schema.json"
_TEMPLATES: Final = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Kept:
    """What a stack file before this one has that must not get lost. `config` has whole keys, namespace included."""

    keyring: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _block(value: Any, indent: int) -> str:
    """A value over several lines of YAML, indented."""
    text = yaml.safe_dump(value, width=math.inf, sort_keys=False, allow_unicode=True)
    return textwrap.indent(text.removesuffix("\n"), " " * indent)


class _Sheet:
    """The lines of the template's keys: set ones as they are, the others with `#` before their default."""

    def __init__(self, values: Mapping[str, Any], effective: Mapping[str, Any]) -> None:
        self._values, self._effective = values, effective

    def section(self, name: str) -> str:
        """The line that opens a section."""
        return f"  {'' if name in self._values else '#'}{NAMESPACE}:{name}:"

    def setting(self, path: str) -> str:
        """The line of `key` or `section.key`."""
        section, _, key = path.partition(".")
        if not key:
            mark, shown = ("", self._values) if section in self._values else ("#", self._effective)
            return f"  {mark}{NAMESPACE}:{section}: {_flow(shown[section])}"
        return self._line(self._values.get(section, {}), self._effective[section], key, 4)

    def machine(self, section: str) -> str:
        """The lines of what the machines of a role start from."""
        return "\n".join(self.setting(f"{section}.{key}") for key in ("flavor", "image", "availabilityZones"))

    def pool(self, key: str) -> str:
        """The line of a key of the pool `general`."""
        return self._line(self._values["workers"]["general"], self._effective["workers"]["general"], key, 6)

    def block(self, section: str, *keys: str) -> str:
        """All that is set of a section, or the defaults of some `keys`."""
        if section in self._values:
            return _block(self._values[section], 4)
        return "\n".join(self.setting(f"{section}.{key}") for key in keys)

    @staticmethod
    def _line(values: Mapping[str, Any], effective: Mapping[str, Any], key: str, indent: int) -> str:
        mark, shown = ("", values) if key in values else ("#", effective)
        return f"{' ' * indent}{mark}{key}: {_flow(shown[key])}"


def render(stack: str, values: Mapping[str, Any], platform: Platform, kept: Kept, cloud: str = "") -> str:
    """The stack file of `stack`, its secrets in `kept`. `platform` is what settings.load made of `values`."""
    effective = platform.settings.model_dump(mode="json", by_alias=True)
    effective["clusterName"] = platform.cluster
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["flow"] = _flow
    sheet = _Sheet(values, effective)
    text = environment.get_template("stack.yaml.j2").render(
        schema=SCHEMA,
        stack=stack,
        preset=platform.settings.preset,
        purposes=PURPOSES,
        cloud=cloud,
        secrets=f"{NAMESPACE}:databaseRootPassword" in kept.config,
        kept_config=_block(dict(kept.config), 2) if kept.config else "",
        keyring=_block(dict(kept.keyring), 0) if kept.keyring else "",
        **{name: getattr(sheet, name) for name in ("section", "setting", "machine", "pool", "block")},
    )
    return text.rstrip("\n") + "\n"


def read(text: str) -> tuple[dict[str, Any], Kept]:
    """The project's plain keys of a stack file, and what else is in it. Raises yaml.YAMLError and ValueError."""
    document = yaml.safe_load(text) or {}
    if not isinstance(document, dict) or not isinstance(document.get("config") or {}, dict):
        raise ValueError("is not a stack file")
    plain: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for key, value in (document.get("config") or {}).items():
        namespace, _, name = str(key).rpartition(":")
        if namespace == NAMESPACE and not has_secret(value):
            plain[name] = value
        else:
            kept[key] = value
    return plain, Kept({name: document[name] for name in KEYRING if document.get(name)}, kept)


def has_secret(value: Any) -> bool:
    """Whether something in `value` is encrypted, as Pulumi writes that: a mapping with the one key `secure`."""
    if isinstance(value, Mapping):
        return list(value) == ["secure"] or any(has_secret(below) for below in value.values())
    return isinstance(value, list) and any(has_secret(below) for below in value)
