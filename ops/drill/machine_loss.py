"""The loss of a machine: switched off or deleted, and brought back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ops.drill.drill import Drill, DrillError
from ops.drill.target import UP_SECONDS, Site
from ops.shared.outputs import Machine


class MachineLoss(Drill):
    """Subclasses say which role, how many there must be, and which of them fails."""

    role: ClassVar[str] = ""
    at_least: ClassVar[int] = 2
    why: ClassVar[str] = ""
    """What fewer machines would mean."""

    recovery_seconds = 420

    def __init__(self) -> None:
        self.machine: Machine | None = None

    @property
    def victim(self) -> Machine:
        """The machine that fails; known after `choose`."""
        if self.machine is None:
            raise DrillError("no machine has been chosen")
        return self.machine

    def refusals(self, site: Site) -> Iterator[str]:
        """Too few machines of the role, or a wish that cannot be."""
        machines = site.outputs.role(self.role)
        if len(machines) < self.at_least:
            yield f"{len(machines)} of at least {self.at_least} machines with the role {self.role}: {self.why}"
        elif site.machine and site.machine not in {machine.name for machine in machines}:
            yield f"{site.machine} has not the role {self.role}: {', '.join(machine.name for machine in machines)} have"

    def choose(self, site: Site) -> None:
        """The machine that was asked for, or the one whose loss is felt most."""
        self.machine = site.outputs.machine(site.machine) if site.machine else self.hardest(site)
        if site.delete:
            # What `up` needs comes on top of what the cluster needs.
            self.recovery_seconds = MachineLoss.recovery_seconds + UP_SECONDS

    def hardest(self, site: Site) -> Machine:
        """The machine whose loss is felt most."""
        return site.outputs.role(self.role)[-1]

    def plan(self, site: Site) -> list[str]:
        """Fault and repair."""
        how, back = getattr(site.power, "how", "its power is cut"), "switched on again the same way"
        if site.delete:
            how, back = "deleted through OpenStack, with its disk", "made again by `pulumi up --refresh`"
        return [f"{self.victim.name} is {how}.", *self.consequences(site), f"Then it is {back}."]

    def consequences(self, site: Site) -> list[str]:
        """What is expected to happen meanwhile."""
        return []

    def fault(self, site: Site) -> None:
        """Off, or gone."""
        site.away.add(self.victim.name)
        if site.delete:
            site.power.delete(self.victim)
        else:
            site.power.off(self.victim)

    def repair(self, site: Site) -> None:
        """On, or made again."""
        if site.delete:
            site.up()
        else:
            site.power.on(self.victim)

    def inspect(self, site: Site) -> list[str]:
        """The machine from outside and from inside."""
        name = self.victim.name
        return [f"openstack server show {name}", f"openstack console log show {name}", f"python -m ops ssh {name}"]
