"""What the stack already runs, as its own outputs tell: what a change must fit to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from settings.certificates import FIRST


@dataclass(frozen=True)
class Generations:
    """The generation of a key that is in use, and all that are accepted; an earlier release had the first alone."""

    used: str = FIRST
    accepted: tuple[str, ...] = (FIRST,)


@dataclass(frozen=True)
class Running:
    """The platform as it was last brought up. `fixed` are settings by key that stay while the cluster lives."""

    kubernetes: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    instances: Mapping[str, str] = field(default_factory=dict)
    """Instance id by machine's host name."""
    etcd: str = ""
    """Its version, as far as it is known."""
    authorities: Generations = field(default_factory=Generations)
    ssh_keys: Generations = field(default_factory=Generations)


def from_outputs(outputs: Mapping[str, Any]) -> Running | None:
    """From the stack's outputs, or None when it has never been brought up."""
    versions = outputs.get("versions")
    if not versions:
        return None
    return Running(
        kubernetes=str(versions.get("kubernetes", "")),
        fixed={str(key): str(value) for key, value in (outputs.get("fixedSettings") or {}).items()},
        instances={entry["name"]: entry["instanceId"] for entry in outputs.get("inventory") or []},
        etcd=str(versions.get("etcd", "")),
        authorities=_generations(outputs.get("certificates") or {}, "issuing", "trusted"),
        ssh_keys=_generations(outputs.get("sshKeys") or {}, "login", "accepted"),
    )


def _generations(output: Mapping[str, Any], used: str, accepted: str) -> Generations:
    """From one of the outputs that tell of generations."""
    return Generations(str(output[used]), tuple(map(str, output[accepted]))) if output else Generations()
