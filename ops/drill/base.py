"""What drills have in common: one failure that a platform survives; how it is made, noticed, repaired and checked."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from ops.drill.probes.probe import Probe
from ops.drill.target import UP_SECONDS, Target
from ops.shared.outputs import Machine


class Drill(ABC):
    """One failure. A module in ops/drill/drills/ that defines a subclass with a name adds a drill."""

    name: ClassVar[str] = ""
    """As the command line knows it; empty on classes that only others build on."""
    about: ClassVar[str] = ""
    """What fails, in a few words for the list."""
    order: ClassVar[int] = 100
    """The position among all drills; the gentle ones come first."""
    role: ClassVar[str] = ""
    """The role of the machines that fail; empty where the drill is for none."""
    at_least: ClassVar[int] = 0
    """How many machines of the role the platform must have."""
    why: ClassVar[str] = ""
    """What fewer machines would mean."""
    deletes: ClassVar[bool] = False
    """Whether `--delete` deletes the machines; `up` then comes on top of what the cluster needs to recover."""

    detection_seconds: ClassVar[float] = 120
    """How long the platform may take to notice."""
    serving_seconds: ClassVar[float] = 120
    """How long it may take until it serves again without what failed."""
    recovery_seconds: float = 300
    """How long it may take from the repair until everything is as before."""
    held_seconds: ClassVar[float | None] = None
    """How long the fault is held where the platform serves again only after the repair; None where it does before."""
    loses: ClassVar[bool] = False
    """Whether acknowledged writes to the API may be lost: they are counted, and do not fail the drill."""
    noticed_by: ClassVar[str] = ""
    """The probe that notices the failure by its first bad answer; empty: `noticed` is asked until it holds."""
    silent_probes: frozenset[str] = frozenset()
    """Probes that are not expected to answer before the repair."""
    commands: ClassVar[tuple[str, ...]] = ()
    """Show more of this failure to the person who must repair by hand; {machine} stands for each machine that fails."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.probes: dict[str, Probe] = {}
        self.began = 0.0
        """When the failure was made, on the clock of time.monotonic; 0 before."""
        self.figures: dict[str, float] = {}
        """Further figures of this drill, in seconds, for the report."""
        if target.delete and self.deletes:
            self.recovery_seconds += UP_SECONDS

    def refusals(self) -> Iterator[str]:
        """Why this platform cannot survive the failure, or why the drill cannot make it; nothing when both are fine."""
        count = len(self.target.outputs.role(self.role))
        if count < self.at_least:
            yield f"{count} of at least {self.at_least} machines with the role {self.role}: {self.why}"

    def choose(self) -> None:
        """Decide what fails, as the platform is now. Raises DrillError, SshError, ClusterError."""

    def victims(self) -> list[Machine]:
        """The machines that fail, by default all of the role; known after `choose`."""
        return self.target.outputs.role(self.role)

    @abstractmethod
    def plan(self) -> list[str]:
        """What will be done, in plain words: the fault, what it causes, and the repair."""

    @abstractmethod
    def fault(self) -> None:
        """Make the failure. May raise; then `repair` runs all the same."""

    def noticed(self) -> bool:
        """Whether the platform has noticed the failure."""
        raise NotImplementedError

    def noticed_at(self) -> float | None:
        """When the platform noticed the failure (time.monotonic); None while it has not."""
        if self.noticed_by:
            return self.probes[self.noticed_by].answers.first_bad(self.began)
        return time.monotonic() if self.noticed() else None

    def serving(self) -> bool:
        """What must hold, beside the probes' good answers, before the platform counts as serving again."""
        return True

    @abstractmethod
    def repair(self) -> None:
        """Take the failure back. Must be safe to call whatever `fault` has reached, and twice."""

    def wrong(self) -> list[str]:
        """What of the drill's own is not as before yet, beside the checks of the proof."""
        return []

    def failures(self) -> list[str]:
        """What the platform lost although the drill promises that it does not, once all is verified."""
        return []

    def inspect(self) -> list[str]:
        """The `commands`, for each of the machines that fail."""
        names = [machine.name for machine in self.victims()] or [""]
        return [line for text in self.commands for line in dict.fromkeys(text.format(machine=name) for name in names)]

    def names(self) -> str:
        """The machines that fail, for a sentence."""
        return ", ".join(machine.name for machine in self.victims())

    def on_victims(self, action: Callable[[Machine], object]) -> None:
        """Do something to all machines that fail, at the same time. Raises the first error."""
        victims = self.victims()
        with ThreadPoolExecutor(len(victims)) as pool:
            list(pool.map(action, victims))


class MachineDrill(Drill):
    """One machine fails: the one that the user chose, or the one that the platform feels most."""

    victim: Machine
    """Known after `choose`."""

    def choose(self) -> None:
        wanted = self.target.machine
        self.victim = self.target.outputs.machine(wanted) if wanted else self.hardest()

    def hardest(self) -> Machine:
        """The machine that the platform misses most: the one that leads its role."""
        return self.target.leader(self.role)

    def victims(self) -> list[Machine]:
        return [self.victim]

    def noticed(self) -> bool:
        """Another gateway or etcd member leads; the cluster no longer calls a node Ready."""
        if self.victim.role in ("gateway", "etcd"):
            return self.target.leader(self.victim.role).name != self.victim.name
        return not self.target.node_ready(self.victim.name)
