"""The JSON Schema of stack files, for editors: completes keys, shows what they are, marks mistakes while one types."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Final, get_args, get_origin

from pydantic.fields import FieldInfo

from settings import schema
from settings.error_messages import noun
from settings.model import WORDS, Section
from settings.platform_settings import PlatformSettings
from settings.reference import docstrings
from settings.stack_file import SECRETS

#: The project's name, which Pulumi puts before each of its keys.
PROJECT: Final = "openstack-paas"
_BYTE: Final = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ADDRESS: Final = rf"{_BYTE}(\.{_BYTE}){{3}}"
_PLAIN: Final[dict[Any, dict[str, Any]]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    IPv4Address: {
        "type": "string",
        "pattern": f"^{_ADDRESS}$",
        "patternErrorMessage": "must be an IPv4 address",
    },
    IPv4Network: {
        "type": "string",
        "pattern": f"^{_ADDRESS}(/(3[0-2]|[12]?[0-9]))?$",
        "patternErrorMessage": "must be an IPv4 network, as 10.20.0.0/22",
    },
}


def document() -> str:
    """The schema as text."""
    return json.dumps(json_schema(), indent=2) + "\n"


def json_schema() -> dict[str, Any]:
    """The schema: our own keys are known one by one, other providers' keys and Pulumi's own are let through."""
    definitions: dict[str, Any] = {
        "secure": {
            "type": "object",
            "description": "A value that Pulumi has encrypted.",
            "properties": {"secure": {"type": "string"}},
            "required": ["secure"],
            "additionalProperties": False,
        }
    }
    top = _section(PlatformSettings, definitions)["properties"]
    keys = {f"{PROJECT}:{key}": _or_secure(value) for key, value in top.items()}
    for key, description in SECRETS.items():
        keys[f"{PROJECT}:{key}"] = {"description": description, "$ref": "#/$defs/secure"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A stack file of openstack-paas",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": keys,
                # Keys of other namespaces (openstack:cloud, pulumi:tags) are not ours to judge.
                "propertyNames": {"anyOf": [{"enum": list(keys)}, {"not": {"pattern": f"^{PROJECT}:"}}]},
            }
        },
        "$defs": definitions,
    }


def _or_secure(value: dict[str, Any]) -> dict[str, Any]:
    """A top-level value, in plain or encrypted as a whole."""
    value = dict(value)
    description = {"description": value.pop("description")} if "description" in value else {}
    return {**description, "anyOf": [value, {"$ref": "#/$defs/secure"}]}


def _section(section: type[Section], definitions: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, field in section.model_fields.items():
        text = " ".join(docstrings.paragraphs(docstrings.of_field(section, name)))
        properties[field.alias or name] = {"description": text, **_value(field.annotation, field, definitions)}
    made: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [field.alias or name for name, field in section.model_fields.items() if field.is_required()]
    return made | ({"required": required} if required else {})


def _value(annotation: Any, field: FieldInfo | None, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a type."""
    bare = schema.bare(annotation)
    if schema.is_section(bare):
        # In draft 7 nothing counts beside $ref, so descriptions need the detour.
        definitions.setdefault(bare.__name__, None)
        definitions[bare.__name__] = definitions[bare.__name__] or _section(bare, definitions)
        return {"allOf": [{"$ref": f"#/$defs/{bare.__name__}"}]}
    if get_origin(bare) is tuple:
        return {"type": "array", "items": _value(schema.below(bare), None, definitions)}
    if get_origin(bare) is dict:
        made: dict[str, Any] = {"type": "object", "additionalProperties": _value(schema.below(bare), None, definitions)}
        names = _pattern(get_args(bare)[0], None)
        return made | ({"propertyNames": names} if names else {})
    if noun(bare) == "one of a few words":
        return {"enum": list(get_args(bare))} if get_args(bare) else {}
    low, high = schema.bounds(annotation, field)
    limits = {"minimum": low, "maximum": high}
    return (
        _PLAIN[bare] | {key: limit for key, limit in limits.items() if limit is not None} | _pattern(annotation, field)
    )


def _pattern(annotation: Any, field: FieldInfo | None) -> dict[str, Any]:
    found = schema.pattern(annotation, field)
    return {"pattern": found, "patternErrorMessage": WORDS[found].rule} if found else {}
