"""What the checks look at: the platform, the cloud's facts, and what the stack runs already."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from preflight import planned
from preflight.cloud import Cloud, Existing, Kind, Network
from settings import names
from settings.machines import MachineSettings
from settings.plan import Plan
from settings.platform import Platform
from settings.platform_settings import PlatformSettings
from settings.replacement import role_key
from settings.running import Running

#: Kinds without tags in OpenStack. Whether they are ours is known only from other resources.
UNTAGGED: frozenset[Kind] = frozenset({"key pair", "server group", "volume"})


@dataclass(frozen=True)
class Context:
    """One platform in one cloud. `running` is None when the stack runs nothing yet."""

    platform: Platform
    cloud: Cloud
    running: Running | None = None

    @property
    def settings(self) -> PlatformSettings:
        """The checked settings."""
        return self.platform.settings

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.platform.cluster

    @property
    def plan(self) -> Plan:
        """Names, addresses and zones of all machines."""
        return self.platform.addresses

    @property
    def tag(self) -> str:
        """The tag of everything that the platform makes."""
        return names.tag(self.cluster)

    @cached_property
    def machine_settings(self) -> Mapping[str, MachineSettings]:
        """Settings of each kind of machine, by their key in the stack file."""
        settings = self.settings
        return {
            "gateways": settings.gateways,
            "etcd": settings.etcd,
            "controlPlanes": settings.control_planes,
            **{f"workers.{name}": pool for name, pool in settings.workers.items()},
        }

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many machines each of those keys asks for."""
        plan = self.plan
        return {
            "gateways": len(plan.gateways),
            "etcd": len(plan.etcd),
            "controlPlanes": len(plan.control_planes),
            **{f"workers.{name}": len(pool.places) for name, pool in self.settings.workers.items()},
        }

    def keepers(self, key: str, made_again: bool = False) -> tuple[str, ...]:
        """Host names of the machines of that key, where all of them run and keep their flavor in this run.

        With `made_again` where none of them is made again. Empty where one is new, is lost, or changes: that one needs
        what the settings name.
        """
        hosts = [machine.hostname for machine in self.plan.machines if role_key(machine) == key]
        standing, changing = self.platform.working & self.ours("server"), self.platform.replacing
        kept = all(name in standing and not (changing.get(name) if made_again else name in changing) for name in hosts)
        return tuple(hosts) if kept else ()

    @cached_property
    def external(self) -> Network | None:
        """The external network of the settings; None when there is none or more than one of that name."""
        name = self.settings.network.external
        found = [network for network in self.cloud.external_networks if network.name == name]
        return found[0] if len(found) == 1 else None

    @cached_property
    def stands(self) -> bool:
        """Whether something of this platform is in the cloud for sure."""
        return self.running is not None or any(self.tag in existing.tags for existing in self.cloud.existing)

    def is_ours(self, existing: Existing) -> bool:
        """By its tag, by the stack's own outputs, or, for kinds without tags, because other resources of ours exist."""
        if self.tag in existing.tags or (self.running and existing.id in self.running.instances.values()):
            return True
        return existing.kind in UNTAGGED and self.stands

    @cached_property
    def named(self) -> tuple[Existing, ...]:
        """Everything in the cloud that has a name of this platform, ours or not."""
        wanted = planned.names_by_kind(self.platform)
        return tuple(existing for existing in self.cloud.existing if existing.name in wanted.get(existing.kind, ()))

    @cached_property
    def _ours(self) -> Mapping[Kind, frozenset[str]]:
        found: dict[Kind, set[str]] = {}
        for existing in self.named:
            if self.is_ours(existing):
                found.setdefault(existing.kind, set()).add(existing.name)
        return {kind: frozenset(known) for kind, known in found.items()}

    def ours(self, kind: Kind) -> frozenset[str]:
        """Names of what of this kind is ours already."""
        return self._ours.get(kind, frozenset())


def suggestion(wanted: str, known: Iterable[str]) -> str:
    """What to use instead of `wanted`: the nearest of `known`, or some of them."""
    there = sorted(set(known))
    near = difflib.get_close_matches(wanted, there, n=1)
    if near:
        return f"did you mean {near[0]}?"
    if not there:
        return "this project sees none at all"
    return f"use one of {', '.join(there[:8])}{' ...' if len(there) > 8 else ''}"
