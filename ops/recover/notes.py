"""What an exported state says of operations that were begun and never ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

Resource = Mapping[str, Any]
RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_CLUSTER: Final = "pulumi:providers:kubernetes"
_STACK: Final = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Begun:
    """A creation that was begun and never recorded: its resource type and the inputs that name it."""

    type: str
    urn: str
    inputs: Mapping[str, Any]
    after: datetime | None = None
    """When the last of what it is made from was there: it began later. None when the state does not say."""

    @property
    def name(self) -> str:
        """The name in OpenStack, empty where the kind has none."""
        return str(self.inputs.get("name", ""))


@dataclass(frozen=True)
class Release:
    """A Helm release of ours; `recorded` says whether the state has it, and not only a note of its creation."""

    namespace: str
    name: str
    recorded: bool


@dataclass(frozen=True)
class Notes:
    """One exported state (`pulumi stack export`)."""

    exported: Mapping[str, Any]
    _deployment: Mapping[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_deployment", self.exported.get("deployment") or {})

    @property
    def resources(self) -> list[Resource]:
        """What the state knows."""
        return list(self._deployment.get("resources") or [])

    @property
    def pending(self) -> list[Mapping[str, Any]]:
        """Operations that were begun and never ended, of whatever kind."""
        return list(self._deployment.get("pending_operations") or [])

    @property
    def creations(self) -> list[Begun]:
        """The pending creations, in the order in which they were begun."""
        created = {resource["urn"]: _moment(resource.get("created")) for resource in self.resources}
        return [
            Begun(resource["type"], resource["urn"], resource.get("inputs") or {}, _after(resource, created))
            for resource in (one["resource"] for one in self.pending if one["type"] == "creating")
        ]

    @property
    def known(self) -> frozenset[str]:
        """Every id that the state knows."""
        return frozenset(resource["id"] for resource in self.resources if resource.get("id"))

    @property
    def projects(self) -> frozenset[str]:
        """Where in OpenStack the state's own things are."""
        outputs = [
            resource.get("outputs") or {}
            for resource in self.resources
            if resource["type"].startswith("openstack:networking/")
        ]
        return frozenset(found["tenantId"] for found in outputs if isinstance(found.get("tenantId"), str))

    @property
    def target(self) -> str:
        """The URN of the stack itself, or of another resource where it is not recorded yet; empty when nothing is."""
        urns = [resource["urn"] for resource in sorted(self.resources, key=lambda one: one["type"] != _STACK)]
        return urns[0] if urns else ""

    @property
    def releases(self) -> tuple[Release, ...]:
        """Every Helm release of ours, begun ones among them."""
        recorded = [one["id"] for one in self.resources if one["type"] == RELEASE and "/" in (one.get("id") or "")]
        parts = [identity.partition("/") for identity in recorded]
        found = [Release(namespace, name, recorded=True) for namespace, _, name in parts]
        for begun in self.creations:
            namespace = str(begun.inputs.get("namespace", ""))
            if begun.type == RELEASE and namespace and f"{namespace}/{begun.name}" not in recorded:
                found.append(Release(namespace, begun.name, recorded=False))
        return tuple(found)

    @property
    def names_releases(self) -> bool:
        """Whether an operation on a Helm release was begun and never ended."""
        return any(one["resource"]["type"] == RELEASE for one in self.pending)

    @property
    def kubeconfig(self) -> str:
        """Of the cluster that the releases are in; it is a secret, so only a state with its secrets shown has it."""
        return next(self._kubeconfigs(), "")

    def _kubeconfigs(self) -> Iterator[str]:
        for resource in self.resources:
            given = (resource.get("inputs") or {}).get("kubeconfig")
            if resource["type"] == _CLUSTER and given:
                text = json.loads(given["plaintext"]) if isinstance(given, Mapping) and "plaintext" in given else given
                if isinstance(text, str):
                    yield text


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _after(resource: Resource, created: Mapping[str, datetime | None]) -> datetime | None:
    """The latest moment of what `resource` depends on; its provider is there before anything that it makes."""
    provider = str(resource.get("provider", "")).rpartition("::")[0]
    moments = [created.get(urn) for urn in (provider, *(resource.get("dependencies") or []))]
    return max((moment for moment in moments if moment), default=None)
