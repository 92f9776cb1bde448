"""What an exported state says of operations that were begun and never ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ops.shared.errors import OpsError

Resource = Mapping[str, Any]
RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_CLUSTER: Final = "pulumi:providers:kubernetes"
_STACK: Final = "pulumi:pulumi:Stack"


class RecoverError(OpsError):
    """A recovery ended before its end. The message says what was not done, and what to do."""


@dataclass(frozen=True)
class Begun:
    """A creation that was begun and never recorded: its resource type and the inputs that name it."""

    type: str
    urn: str
    inputs: Mapping[str, Any]
    after: datetime | None = None
    """When the last of its dependencies was created: it began later. None when the state does not say."""

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

    def _part(self, name: str) -> list[Resource]:
        return list((self.exported.get("deployment") or {}).get(name) or [])

    @property
    def resources(self) -> list[Resource]:
        """What the state knows."""
        return self._part("resources")

    @property
    def pending(self) -> list[Mapping[str, Any]]:
        """Operations that were begun and never ended, of whatever kind."""
        return self._part("pending_operations")

    @property
    def creations(self) -> list[Begun]:
        """The pending creations, in the order in which they were begun."""
        created = {resource["urn"]: resource.get("created") for resource in self.resources}
        begun = [one["resource"] for one in self.pending if one["type"] == "creating"]
        return [Begun(one["type"], one["urn"], one.get("inputs") or {}, _after(one, created)) for one in begun]

    @property
    def identities(self) -> list[tuple[str, str]]:
        """URN and name of each pending creation, for comparing two readings of the state."""
        return sorted((begun.urn, begun.name) for begun in self.creations)

    @property
    def known(self) -> frozenset[str]:
        """Every id that the state knows."""
        return frozenset(resource["id"] for resource in self.resources if resource.get("id"))

    @property
    def projects(self) -> frozenset[str]:
        """The OpenStack projects of the state's own networks."""
        networks = [one for one in self.resources if one["type"].startswith("openstack:networking/")]
        found = [(one.get("outputs") or {}).get("tenantId") for one in networks]
        return frozenset(project for project in found if isinstance(project, str))

    @property
    def target(self) -> str:
        """The URN of the stack itself, or of another resource where it is not recorded yet; empty when nothing is."""
        urns = [resource["urn"] for resource in sorted(self.resources, key=lambda one: one["type"] != _STACK)]
        return urns[0] if urns else ""

    @property
    def releases(self) -> tuple[Release, ...]:
        """Every Helm release of ours, begun ones among them."""
        recorded = [one["id"] for one in self.resources if one["type"] == RELEASE and "/" in (one.get("id") or "")]
        begun = [
            f"{one.inputs['namespace']}/{one.name}"
            for one in self.creations
            if one.type == RELEASE and one.inputs.get("namespace")
        ]
        names = [*recorded, *(name for name in begun if name not in recorded)]
        return tuple(Release(name.partition("/")[0], name.partition("/")[2], name in recorded) for name in names)

    @property
    def names_releases(self) -> bool:
        """Whether an operation on a Helm release was begun and never ended."""
        return any(one["resource"]["type"] == RELEASE for one in self.pending)

    @property
    def kubeconfig(self) -> str:
        """Of the cluster that the releases are in; it is a secret, so only a state with its secrets shown has it."""
        for resource in self.resources:
            given = (resource.get("inputs") or {}).get("kubeconfig")
            if resource["type"] == _CLUSTER and given:
                text = json.loads(given["plaintext"]) if isinstance(given, Mapping) and "plaintext" in given else given
                if isinstance(text, str):
                    return text
        return ""


def _after(resource: Resource, created: Mapping[str, str | None]) -> datetime | None:
    """When the last of what `resource` depends on was created; its provider exists before anything that it makes."""
    provider = str(resource.get("provider", "")).rpartition("::")[0]
    moments = [created.get(urn) for urn in (provider, *(resource.get("dependencies") or []))]
    return max((datetime.fromisoformat(moment) for moment in moments if moment), default=None)
