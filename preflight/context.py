"""What the checks look at: the platform, the cloud's facts, and what the stack runs already."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from preflight import planned
from preflight.cloud import Cloud, Existing, Kind, Network
from settings import names, rules
from settings.platform import Platform
from settings.replacement import role_key
from settings.running import Running

#: Kinds without tags in OpenStack. Whether they are ours is known only from other resources.
UNTAGGED: frozenset[Kind] = frozenset({"key pair", "server group", "volume"})


@dataclass(frozen=True)
class Context(rules.Context):
    """One platform in one cloud. `running` is None when the stack runs nothing yet."""

    platform: Platform = field(kw_only=True)
    cloud: Cloud = field(kw_only=True)

    @classmethod
    def of(cls, platform: Platform, cloud: Cloud, running: Running | None = None) -> "Context":
        """The context of a checked platform."""
        return cls(platform.settings, platform.cluster, platform.plan, running, platform=platform, cloud=cloud)

    @property
    def tag(self) -> str:
        """The tag of everything that the platform makes."""
        return names.tag(self.cluster)

    def keeping(self, key: str, unless_replaced: bool = False) -> tuple[str, ...]:
        """Host names of the machines of that key, where all of them run and none changes in this run.

        With `unless_replaced` they may change in place. Empty where one is new, lost, or changes: that one needs what
        the settings name.
        """
        hosts = [machine.hostname for machine in self.plan.machines if role_key(machine) == key]
        running, changing = self.platform.working & self.ours("server"), self.platform.replacing
        changes = {name for name in changing if changing[name] or not unless_replaced}
        return tuple(hosts) if running - changes >= set(hosts) else ()

    @cached_property
    def external(self) -> Network | None:
        """The external network of the settings; None when there is none or more than one of that name."""
        found = [one for one in self.cloud.external_networks if one.name == self.settings.network.external]
        return found[0] if len(found) == 1 else None

    @cached_property
    def _exists(self) -> bool:
        """Whether something of this platform is in the cloud for sure."""
        return self.running is not None or any(self.tag in existing.tags for existing in self.cloud.existing)

    def is_ours(self, existing: Existing) -> bool:
        """By its tag, by the stack's own outputs, or, for kinds without tags, because other resources of ours exist."""
        if self.tag in existing.tags or (self.running and existing.id in self.running.instances.values()):
            return True
        return existing.kind in UNTAGGED and self._exists

    @cached_property
    def named(self) -> tuple[Existing, ...]:
        """Everything in the cloud that has a name of this platform, ours or not."""
        wanted = planned.names_by_kind(self.platform)
        return tuple(existing for existing in self.cloud.existing if existing.name in wanted.get(existing.kind, ()))

    @cached_property
    def _ours(self) -> tuple[Existing, ...]:
        return tuple(existing for existing in self.named if self.is_ours(existing))

    def ours(self, kind: Kind) -> frozenset[str]:
        """Names of what of this kind is ours already."""
        return frozenset(existing.name for existing in self._ours if existing.kind == kind)


def suggestion(wanted: str, known: Iterable[str]) -> str:
    """What to use instead of `wanted`: the nearest of `known`, or some of them."""
    available = sorted(set(known))
    if near := difflib.get_close_matches(wanted, available, n=1):
        return f"did you mean {near[0]}?"
    if not available:
        return "this project sees none at all"
    return f"use one of {', '.join(available[:8])}{' ...' if len(available) > 8 else ''}"
