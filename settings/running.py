"""What the stack already runs, as its own outputs tell: what a change must fit to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Running:
    """The platform as it was last brought up. `fixed` are settings by key that stay while the cluster lives."""

    kubernetes: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    instances: Mapping[str, str] = field(default_factory=dict)
    """Instance id by machine's host name."""
    etcd: str = ""
    """Its version, as far as it is known."""


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
    )
