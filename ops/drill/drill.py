"""What a drill is: one failure that a platform survives; how it is made, noticed, repaired and checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

from ops.drill.probes.probe import Probe
from ops.drill.target import Target


class Drill(ABC):
    """One failure. A module in ops/drill/drills/ that defines a subclass with a name adds a drill."""

    name: ClassVar[str] = ""
    """As the command line knows it; empty on classes that only others build on."""
    about: ClassVar[str] = ""
    """What fails, in a few words for the list."""
    order: ClassVar[int] = 100
    """Where the drill stands among all; the gentle ones come first."""

    detection_seconds: ClassVar[float] = 120
    """How long the platform may take to notice."""
    serving_seconds: ClassVar[float] = 120
    """How long it may take until it serves again without what failed."""
    recovery_seconds: float = 300
    """How long it may take from the repair until everything is as before."""
    serves_without: ClassVar[bool] = True
    """Whether the platform serves again before the repair; otherwise the fault is held for `held_seconds`."""
    held_seconds: ClassVar[float] = 10
    loses: ClassVar[bool] = False
    """Whether acknowledged writes to the API may be lost: they are counted, and do not fail the drill."""
    away: frozenset[str] = frozenset()
    """Probes that are not expected to answer before the repair."""

    def refusals(self, target: Target) -> Iterator[str]:
        """Why this platform cannot survive it, or cannot be drilled so; nothing when it can."""
        yield from ()

    def choose(self, target: Target) -> None:
        """Decide what fails, as the platform stands now. Raises DrillError."""

    @abstractmethod
    def plan(self, target: Target) -> list[str]:
        """What will be done, in plain words."""

    @abstractmethod
    def fault(self, target: Target) -> None:
        """Make the failure. May raise; then `repair` runs all the same."""

    @abstractmethod
    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """When the platform noticed the failure made at `since` (both time.monotonic); None while it has not."""

    def serving(self, target: Target) -> bool:
        """What must hold, beside the probes' good answers, before the platform counts as serving again."""
        return True

    @abstractmethod
    def repair(self, target: Target) -> None:
        """Take the failure back. Must be safe to call whatever `fault` has reached, and twice."""

    def wrong(self, target: Target) -> list[str]:
        """What of the drill's own is not as before yet, beside the checks of the proof."""
        return []

    def failures(self, target: Target) -> list[str]:
        """What the platform lost though the drill promises that it does not, once all is verified."""
        return []

    def figures(self, target: Target) -> dict[str, float]:
        """Further figures of this drill, in seconds, for the report."""
        return {}

    def inspect(self, target: Target) -> list[str]:
        """Commands that show more of this failure, for the person who must repair by hand."""
        return []
