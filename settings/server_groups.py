"""Which server group each machine is in. A machine that runs stays in its group until it is replaced."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from settings.machines import MachineSettings
from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.running import SPREADS


@dataclass(frozen=True)
class ServerGroups:
    """The groups of one role or pool, by their names in the stack.

    A group's policy never changes: nova has no such request, and another group would replace all its machines.
    """

    wanted: str
    """The group of new machines, with the spread that the settings ask for."""
    kept: Mapping[str, str]
    """By machine's name: the group of each machine that runs and is not replaced in this run."""
    spreads: Mapping[str, str]
    """The spread of each group."""

    def of(self, machine: PlannedMachine) -> str:
        """The group of `machine`."""
        return self.kept.get(machine.name, self.wanted)


def server_groups(
    platform: Platform, role: str, settings: MachineSettings, machines: Iterable[PlannedMachine]
) -> ServerGroups:
    """The group that the settings ask for, and beside it the groups of machines that are not replaced now.

    `role` is the role's name, for workers with their pool's.
    """
    # No role begins with a spread's name.
    names = (role, *(f"{spread}-{role}" for spread in SPREADS))
    known = {name: platform.running.spreads[name] for name in names if name in platform.running.spreads}
    fitting = [name for name, spread in known.items() if spread == settings.spread]
    wanted = fitting[0] if fitting else f"{settings.spread}-{role}" if role in known else role
    kept = {
        machine.name: form.group
        for machine in machines
        if (form := platform.kept_form(machine.hostname)) and form.group in known
    }
    used = dict.fromkeys((wanted, *kept.values()))
    return ServerGroups(wanted, kept, {name: known.get(name, settings.spread) for name in used})
