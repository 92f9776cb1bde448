"""The config section of Pulumi.yaml: every top-level key with its description and default."""

from typing import Any, Final

import yaml

from settings import schema
from settings.stack_file import SECRETS

_START: Final = "config:\n"


def config() -> dict[str, dict[str, Any]]:
    """What Pulumi knows about each key.

    Sections have no type here: the engine would stop at the first wrong one, and say neither what it may be nor what
    else is wrong. The program checks them all. Every key needs a default, or the engine asks for it. A secret has no
    type: the engine wants even the empty default of a secret with a type encrypted.
    """
    keys: dict[str, dict[str, Any]] = {}
    for name, node in schema.root()["properties"].items():
        description = node["description"].split("\n\n")[0]
        if node.get("type") == "string":
            keys[name] = {"type": "string", "description": description, "default": node["default"]}
        else:
            keys[name] = {"description": description, "default": ""}
    for name, description in SECRETS.items():
        keys[name] = {"description": description, "secret": True, "default": ""}
    return keys


def document(present: str) -> str:
    """Pulumi.yaml with this config section in place of the one at its end."""
    head = present[: present.index(_START)]
    return head + yaml.safe_dump({"config": config()}, sort_keys=False, width=118)
