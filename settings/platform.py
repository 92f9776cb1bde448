"""A platform: checked settings, the plan that follows from them, and what the stack runs already."""

from __future__ import annotations

from settings.model import Section
from settings.plan import Plan
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.running import Form, Running


class Platform(Section):
    """Checked settings with the cluster's name, its address plan, and what is allowed but unwise (`warnings`).

    `working` are the host names of the machines that the stack runs: those that a change takes one by one.
    `numbered` are the security group rules of an earlier release (settings.security.former_name).
    """

    model_config = Section.model_config | {"arbitrary_types_allowed": True}

    settings: PlatformSettings
    cluster: str
    addresses: Plan
    warnings: tuple[Problem, ...] = ()
    working: frozenset[str] = frozenset()
    numbered: dict[str, str] = {}
    running: Running = Running()
    replacing: dict[str, bool] = {}
    """The working machines that a change of their flavor, zone or spread reaches now, and whether it replaces them."""

    def kept_form(self, hostname: str) -> Form | None:
        """What a working machine that is not to change now is made of, as far as it is known."""
        return None if hostname in self.replacing else self.running.forms.get(hostname)
