"""The loss of a machine: switched off or deleted, and brought back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ops.drill.drill import Drill
from ops.drill.target import UP_SECONDS, Target
from ops.drill.waiting import DrillError
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

    def refusals(self, target: Target) -> Iterator[str]:
        """Too few machines of the role, or a wish that cannot be."""
        machines = target.outputs.role(self.role)
        if len(machines) < self.at_least:
            yield f"{len(machines)} of at least {self.at_least} machines with the role {self.role}: {self.why}"
        elif target.machine and target.machine not in {machine.name for machine in machines}:
            names = ", ".join(machine.name for machine in machines)
            yield f"{target.machine} does not have the role {self.role}: {names} do"

    def choose(self, target: Target) -> None:
        """The machine that was asked for, or the one whose loss is felt most."""
        self.machine = target.outputs.machine(target.machine) if target.machine else self.hardest(target)
        if target.delete:
            # What `up` needs comes on top of what the cluster needs.
            self.recovery_seconds = MachineLoss.recovery_seconds + UP_SECONDS

    def hardest(self, target: Target) -> Machine:
        """The machine whose loss is felt most."""
        return target.outputs.role(self.role)[-1]

    def plan(self, target: Target) -> list[str]:
        """Fault and repair."""
        how, back = getattr(target.power, "how", "its power is cut"), "switched on again the same way"
        if target.delete:
            how, back = "deleted through OpenStack, with its disk", "made again by `pulumi up --refresh`"
        return [f"{self.victim.name} is {how}.", *self.consequences(target), f"Then it is {back}."]

    def consequences(self, target: Target) -> list[str]:
        """What is expected to happen during the loss."""
        return []

    def fault(self, target: Target) -> None:
        """Off, or gone."""
        target.away.add(self.victim.name)
        if target.delete:
            target.power.delete(self.victim)
        else:
            target.power.off(self.victim)

    def repair(self, target: Target) -> None:
        """On, or made again."""
        if target.delete:
            target.up()
        else:
            target.power.on(self.victim)

    def inspect(self, target: Target) -> list[str]:
        """The machine from outside and from inside."""
        name = self.victim.name
        return [f"openstack server show {name}", f"openstack console log show {name}", f"paas ssh {name}"]
