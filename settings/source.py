"""Reads a stack's configuration out of Pulumi, and what the stack already runs."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config
from pulumi.runtime import invoke

from settings.running import Running, from_outputs
from settings.stack_file import ENCRYPTED, SECRETS


def read_stack(config: pulumi.Config) -> dict[str, Any]:
    """Every key of the project's own namespace with its text; objects are JSON, encrypted secrets ENCRYPTED.

    pulumi.Config answers only for keys that one asks for, and a misspelt key is just the one nobody asks for.
    """
    return {
        key: ENCRYPTED if key in SECRETS and runtime_config.is_config_secret(config.full_key(key)) else value
        for key, value in read_namespace(config.name).items()
    }


def read_namespace(name: str) -> dict[str, str]:
    """Every key of one namespace of the configuration (`openstack`: what the provider is told) with its text."""
    prefix = f"{name}:"
    return {
        key.removeprefix(prefix): value for key, value in runtime_config.CONFIG.get().items() if key.startswith(prefix)
    }


def read_secret(config: pulumi.Config, key: str) -> pulumi.Output[str] | None:
    """The secret `key`, or None when the stack does not set it (an empty text is the default)."""
    return config.get_secret(key) if read_stack(config).get(key) else None


def read_running() -> Running | None:
    """What the stack's own outputs tell of its last `up`; None when there was none.

    The engine answers from the stack's state, by the function behind StackReference: no resource, no network but the
    backend's own.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    answer = invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value or {}
    return from_outputs(answer.get("outputs") or {})
