"""Reads a stack's configuration out of Pulumi: every key of this project, so that unknown ones can be named."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config


def read_stack(config: pulumi.Config) -> dict[str, Any]:
    """Every key of the project's own namespace with its text; objects are JSON.

    pulumi.Config answers only for keys that one asks for, and a misspelt key is just the one nobody asks for.
    """
    prefix = f"{config.name}:"
    return {
        key.removeprefix(prefix): value for key, value in runtime_config.CONFIG.get().items() if key.startswith(prefix)
    }


def read_secret(config: pulumi.Config, key: str) -> pulumi.Output[str] | None:
    """The secret `key`, or None when the stack does not set it (an empty text is the default)."""
    return config.get_secret(key) if read_stack(config).get(key) else None
