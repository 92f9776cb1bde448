"""The order in which running machines are changed: one after another, or a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from settings.plan import PlannedMachine


class Rollout:
    """Chains the steps of machines that the stack brought up before; the engine then never changes two of them at once.

    A chain is nothing but dependencies, so it changes no resource. When a step fails the engine begins none of those
    that wait for it: the rollout stops there.
    """

    def __init__(self, working: frozenset[str], window: int = 1, after: Sequence[pulumi.Resource] = ()) -> None:
        """`working` are host names that the stack runs, `window` how many of them may be away at a time.

        All machines, new ones too, wait for `after`: the last steps of the role that is changed before.
        """
        self._working, self._window, self._after = working, window, list(after)
        self._chain: list[pulumi.Resource] = []

    def before(self, planned: PlannedMachine) -> list[pulumi.Resource]:
        """What the step of `planned` has to wait for: where it is new, for no other machine of its role."""
        if planned.hostname not in self._working or len(self._chain) < self._window:
            return list(self._after)
        # This one waited for `after` itself, or for one that did.
        return [self._chain[-self._window]]

    def add(self, planned: PlannedMachine, step: pulumi.Resource) -> None:
        """The step of `planned`: those that come later wait for it, where it runs."""
        if planned.hostname in self._working:
            self._chain.append(step)

    @property
    def last(self) -> list[pulumi.Resource]:
        """After these every working machine has been changed; what comes before this role, where there is none."""
        return self._chain[-self._window :] or list(self._after)
