"""A stack's file, and its state where the engine is installed."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from ops.shared import pulumi
from ops.shared.errors import OpsError
from settings.running import Running, from_outputs
from settings.stack_file import ENCRYPTED, SECRETS

PROJECT: Final = "openstack-paas"
#: Seconds that the engine may take: its backend may be far away.
ENGINE_SECONDS: Final = 60


class StackError(OpsError):
    """The stack cannot be looked at; the message says what to do."""


@dataclass(frozen=True)
class StackFile:
    """Keys of the program (`values`, with ENCRYPTED for secrets) and of the OpenStack provider (`provider`)."""

    name: str
    values: Mapping[str, Any]
    provider: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """What the engine has on record; `document` is `pulumi stack export`, None where nobody can read it."""

    document: Mapping[str, Any] | None = None
    reason: str = ""
    """Why it is not known."""

    @property
    def resources(self) -> list[Mapping[str, Any]]:
        """The resources on record."""
        return list(((self.document or {}).get("deployment") or {}).get("resources") or [])

    @property
    def running(self) -> Running | None:
        """What the stack's own outputs say; None when no `up` has finished yet, or the state is not known."""
        stack = next((one for one in self.resources if one["type"] == "pulumi:pulumi:Stack"), None)
        return from_outputs(stack.get("outputs") or {}) if stack else None


def engine(*words: str, folder: Path) -> str | None:
    """What the engine prints, or None when it is not installed or fails."""
    try:
        return pulumi.run(*words, folder=folder, seconds=ENGINE_SECONDS)
    except pulumi.PulumiError:
        return None


def choose(given: str | None, folder: Path) -> str:
    """The stack's name: the given one, the selected one, or the only one that has a file. Raises StackError."""
    if given:
        return given.rpartition("/")[2]
    selected = (engine("stack", "--show-name", folder=folder) or "").strip()
    if selected:
        return selected
    names = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))
    if len(names) == 1:
        return names[0]
    raise StackError(f"which stack? --stack {' | '.join(names) or 'NAME'}")


def read_file(name: str, folder: Path) -> StackFile:
    """Pulumi.NAME.yaml. Of secrets only those of the provider are asked for, from the engine. Raises StackError."""
    path = folder / f"Pulumi.{name}.yaml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise StackError(f"there is no {path.name}: `paas init {name}` writes one") from None
    except (OSError, yaml.YAMLError) as error:
        raise StackError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from None
    config = (document.get("config") if isinstance(document, dict) else None) or {}
    values: dict[str, Any] = {}
    provider: dict[str, str] = {}
    for key, value in config.items():
        namespace, _, inner = str(key).rpartition(":")
        secret = isinstance(value, Mapping) and set(value) == {"secure"}
        if namespace in ("", PROJECT):
            if not secret or inner in SECRETS:
                values[inner] = ENCRYPTED if secret else value
        elif namespace == "openstack":
            text = engine("config", "get", f"openstack:{inner}", "--stack", name, folder=folder) if secret else value
            if text is None:
                raise StackError(f"openstack:{inner} is encrypted: the engine (pulumi) is needed to read it")
            provider[inner] = str(text).strip()
    return StackFile(name, values, provider)


def read_state(name: str, folder: Path) -> State:
    """The stack's state without its secrets, by the engine."""
    if shutil.which("pulumi") is None:
        return State(reason="pulumi is not installed")
    text = engine("stack", "export", "--stack", name, folder=folder)
    try:
        return State(json.loads(text)) if text else State(reason="pulumi knows no state of this stack")
    except ValueError:
        return State(reason="`pulumi stack export` did not print JSON")
