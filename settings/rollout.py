"""How running machines are changed: time limits, pods without a controller, and replacements."""

from typing import Literal

from pydantic import Field

from settings.model import Section, Whole


class RolloutSettings(Section):
    """Changes of running machines: upgrades, packages, kubelets. New machines are all created at once.

    Gateways and control planes change one after another, workers as many at a time as `maxUnavailable` of their pool.
    """

    drain_seconds: Whole = Field(300, ge=10, le=3600)
    """How long draining a node may take before it is changed.

    Pods are evicted, which a PodDisruptionBudget may delay. After this time the node takes pods again, the rollout
    stops, and the message says what blocked it.
    """
    bare_pods: Literal["refuse", "delete"] = "refuse"
    """What happens to pods that no controller would recreate: they block the change, or they are deleted."""
    replace: tuple[str, ...] = ()
    """Running machines, by host name, that a changed flavor, zone or spread may replace or restart now.

    All others stay as they are. Name no more machines of a role than it can spare. See docs/upgrades.md.
    """
    lose_volumes: tuple[str, ...] = ()
    """Those of them whose disk holds claimed volumes that may be lost."""
