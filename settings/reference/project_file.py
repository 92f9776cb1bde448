"""The config section of Pulumi.yaml: every top-level key with its description and default."""

from __future__ import annotations

from typing import Any, Final

import yaml

from settings import schema
from settings.platform_settings import PlatformSettings
from settings.reference import docstrings
from settings.stack_file import SECRETS

_START: Final = "config:\n"


def config() -> dict[str, dict[str, Any]]:
    """What Pulumi is told of each key.

    Sections have no type here: the engine would end at the first one that is none, and say neither what it may be nor
    what else is wrong. The program checks them all. Every key needs a default, or the engine asks for it. A secret has
    no type, because of a secret with a type the engine wants even the empty default encrypted.
    """
    keys: dict[str, dict[str, Any]] = {}
    for name, field in PlatformSettings.model_fields.items():
        is_text = (
            not schema.is_section(schema.bare(field.annotation)) and schema.below(schema.bare(field.annotation)) is None
        )
        keys[field.alias or name] = {
            **({"type": "string"} if is_text else {}),
            "description": docstrings.first(docstrings.of_field(PlatformSettings, name)),
            "default": field.get_default() if is_text else "",
        }
    for name, description in SECRETS.items():
        keys[name] = {"description": description, "secret": True, "default": ""}
    return keys


def document(present: str) -> str:
    """Pulumi.yaml with this config section in place of the one at its end."""
    head = present[: present.index(_START)]
    return head + yaml.safe_dump({"config": config()}, sort_keys=False, width=118)
