"""How working machines are changed: how long a node may take to be empty, what becomes of pods made by nobody."""

from typing import Literal

from pydantic import Field

from settings.model import Section, Whole


class RolloutSettings(Section):
    """Changes of machines that are at work: upgrades, packages, kubelets. New machines are made at once, all of them.

    Gateways and control planes change one after another, workers in the window of their pool (`maxUnavailable`).
    """

    drain_seconds: Whole = Field(300, ge=10, le=3600)
    """How long a node may take to be empty before it is changed.

    Pods leave by eviction, which a PodDisruptionBudget may hold up. When the time is over the node takes pods again,
    the rollout ends, and the message says what held it up.
    """
    bare_pods: Literal["refuse", "delete"] = "refuse"
    """What becomes of pods that belong to nothing that would make them anew: they hold a change up, or are deleted."""
    replace: tuple[str, ...] = ()
    """Working machines, by host name, that a changed flavor, zone or spread may reach now: replaced, or stopped once.

    All others stay as they are. At most as many of a role as it can miss. See docs/upgrades.md.
    """
    lose_volumes: tuple[str, ...] = ()
    """Those of them whose disk holds volumes that somebody has a claim on, and may be lost all the same."""
