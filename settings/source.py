"""Reads a stack's configuration out of Pulumi, and what the stack already runs."""

import time
from typing import Any, Final

import pulumi
from pulumi.runtime import config as runtime_config
from pulumi.runtime import invoke

from settings.running import BY_RANGE, Running, forms_of_resources, from_outputs, from_resources, numbered_rules
from settings.stack_file import ENCRYPTED, SECRETS

#: The engine's error when it reads its state while it writes it, the number of attempts, and the seconds between them.
_HALF_WRITTEN: Final = "failed to load checkpoint"
_ATTEMPTS: Final = 10
_PAUSE: Final = 0.2


def read_stack(config: pulumi.Config) -> dict[str, Any]:
    """Every key of the project's own namespace with its text; objects are JSON, encrypted secrets ENCRYPTED.

    pulumi.Config returns only keys that one asks for, and nobody asks for a misspelt key.
    """
    return {
        key: ENCRYPTED if key in SECRETS and runtime_config.is_config_secret(config.full_key(key)) else value
        for key, value in read_namespace(config.name).items()
    }


def read_namespace(name: str) -> dict[str, str]:
    """Every key of one namespace of the configuration, with its text. `openstack` is the provider's namespace."""
    prefix = f"{name}:"
    return {
        key.removeprefix(prefix): value for key, value in runtime_config.CONFIG.get().items() if key.startswith(prefix)
    }


def read_secret(config: pulumi.Config, key: str) -> pulumi.Output[str] | None:
    """The secret `key`. None when the stack does not set it (the default is an empty text)."""
    return config.get_secret(key) if read_stack(config).get(key) else None


def read_running() -> tuple[Running | None, dict[str, str]]:
    """What the stack runs (None: nothing yet), and the security group rules that an earlier release numbered.

    The engine answers from the stack's state, by the functions behind StackReference: no resource, and no network but
    the backend's own. The outputs say it all after an `up` of this release that finished. Otherwise the state's
    resources are read too, once: for a new stack, after a first `up` that failed, and after an earlier release.
    """
    outputs = dict(_ask_state("readStackOutputs", "name").get("outputs") or {})
    if outputs.get("versions") and outputs.get("forms") and outputs.get("securityRules") == BY_RANGE:
        return from_outputs(outputs), {}
    resources = _ask_state("readStackResourceOutputs", "stackName").get("outputs") or {}
    numbered = numbered_rules(resources)
    if not outputs.get("versions"):
        return from_resources(resources), numbered
    return from_outputs({**outputs, "forms": outputs.get("forms") or forms_of_resources(resources)}), numbered


def _ask_state(function: str, argument: str) -> dict[str, Any]:
    """What one of the engine's functions says about this stack, which is its `argument`.

    The engine may be writing its state just then, and a file backend may show half of it. Then it is asked again.
    Raises the SDK's error when that does not help.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    for left in reversed(range(_ATTEMPTS)):
        try:
            answer: dict[str, Any] | None = invoke(f"pulumi:pulumi:{function}", {argument: name}).value
            return answer or {}
        except Exception as error:  # the SDK has no class of its own for it
            if not left or _HALF_WRITTEN not in str(error):
                raise
            time.sleep(_PAUSE)
    raise AssertionError("unreachable")
