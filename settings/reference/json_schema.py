"""The JSON Schema of stack files, for editors: completes keys, shows what they are, marks mistakes while one types."""

import json
from typing import Any, Final

from settings import schema
from settings.stack_file import SECRETS

#: The project's name, which Pulumi puts before each of its keys.
PROJECT: Final = "openstack-paas"
_SECURE: Final = {
    "type": "object",
    "description": "A value that Pulumi has encrypted.",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}
_ENCRYPTED: Final = {"$ref": "#/$defs/secure"}


def document() -> str:
    """The schema as text."""
    return json.dumps(json_schema(), indent=2) + "\n"


def json_schema() -> dict[str, Any]:
    """The schema: our own keys are known one by one, other providers' keys and Pulumi's own are let through."""
    top = schema.root()
    # Each value in plain, or encrypted as a whole.
    keys = {
        f"{PROJECT}:{key}": {"description": node["description"], "anyOf": [_undescribed(node), _ENCRYPTED]}
        for key, node in top["properties"].items()
    }
    keys |= {f"{PROJECT}:{key}": {"description": text, **_ENCRYPTED} for key, text in SECRETS.items()}
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
        "$defs": {"secure": _SECURE, **top["$defs"]},
    }


def _undescribed(node: schema.Node) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "description"}
