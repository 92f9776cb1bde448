"""The server groups of a role, which spread its machines over hosts: a running machine stays in the one it is in."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi
from pulumi import ResourceOptions
from pulumi_openstack import compute

from settings.addresses import PlannedMachine
from settings.machines import MachineSettings
from settings.platform import Platform
from settings.running import SPREADS, spread_of


class ServerGroups:
    """The group that the settings want, and beside it those of machines that are not to be replaced now.

    A group's policy never changes: nova has no such request, and another group would replace all its machines.
    """

    def __init__(
        self,
        role: str,
        settings: MachineSettings,
        platform: Platform,
        machines: Iterable[PlannedMachine],
        parent: pulumi.Resource,
    ) -> None:
        # No role begins with a spread's name.
        names = (role, *(f"{spread}-{role}" for spread in SPREADS))
        known = {name: platform.running.spreads[name] for name in names if name in platform.running.spreads}
        fitting = [name for name, spread in known.items() if spread == settings.spread]
        self._wanted = fitting[0] if fitting else f"{settings.spread}-{role}" if role in known else role
        self._of = {
            machine.name: form.group
            for machine in machines
            if (form := platform.kept_form(machine.hostname)) and form.group in known
        }
        self.groups = {
            name: compute.ServerGroup(
                name,
                name=f"{platform.cluster}-{name}",
                policies=SPREADS[known.get(name, settings.spread)],
                opts=ResourceOptions(parent=parent, ignore_changes=["policies"]),
            )
            for name in dict.fromkeys((self._wanted, *self._of.values()))
        }

    def name_of(self, machine: PlannedMachine) -> str:
        """The name in the stack of the group of `machine`."""
        return self._of.get(machine.name, self._wanted)

    def of(self, machine: PlannedMachine) -> compute.ServerGroup:
        """The group of `machine`."""
        return self.groups[self.name_of(machine)]

    @property
    def spreads(self) -> dict[str, pulumi.Output[str]]:
        """What each of them stands for, for the output `forms`."""
        return {name: group.policies.apply(spread_of) for name, group in self.groups.items()}
