"""What the stack already runs, as its own outputs tell: what a change must fit to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from settings.certificates import FIRST

#: Value of the output `securityRules`: rules are named by the range that they let in.
BY_RANGE: Final = "by-range"


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
    rules: str = ""
    """How the resources of security group rules are named; empty for earlier releases, which numbered them."""


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
        rules=str(outputs.get("securityRules", "")),
    )


def numbered_rules(resources: Mapping[str, Any]) -> dict[str, str]:
    """The ranges that security group rules let in, by the names of their resources; `resources` are all, by URN."""
    rules = {
        urn.rpartition("::")[2]: entry["outputs"].get("remoteIpPrefix")
        for urn, entry in resources.items()
        if entry["type"] == "openstack:networking/secGroupRule:SecGroupRule"
    }
    return {name: cidr for name, cidr in rules.items() if cidr}


def _generations(output: Mapping[str, Any], used: str, accepted: str) -> Generations:
    """From one of the outputs that tell of generations."""
    return Generations(str(output[used]), tuple(map(str, output[accepted]))) if output else Generations()
