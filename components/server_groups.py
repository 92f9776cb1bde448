"""The server groups of a role, which spread its machines over hosts (settings/server_groups.py says which)."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi
from pulumi import ResourceOptions
from pulumi_openstack import compute

from settings import names, server_groups
from settings.machines import MachineSettings
from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.running import SPREADS, spread_of


class ServerGroups:
    """The groups of one role or pool as resources, by their names in the stack."""

    def __init__(
        self,
        role: str,
        settings: MachineSettings,
        platform: Platform,
        machines: Iterable[PlannedMachine],
        parent: pulumi.Resource,
    ) -> None:
        planned = server_groups.server_groups(platform, role, settings, machines)
        self.name_of = planned.of
        self.groups = {
            name: compute.ServerGroup(
                name,
                name=names.server_group(platform.cluster, name),
                policies=SPREADS[spread],
                opts=ResourceOptions(parent=parent, ignore_changes=["policies"]),
            )
            for name, spread in planned.spreads.items()
        }

    def of(self, machine: PlannedMachine) -> compute.ServerGroup:
        """The group of `machine`."""
        return self.groups[self.name_of(machine)]

    @property
    def spreads(self) -> dict[str, pulumi.Output[str]]:
        """What each of them stands for, for the output `forms`."""
        return {name: group.policies.apply(spread_of) for name, group in self.groups.items()}
