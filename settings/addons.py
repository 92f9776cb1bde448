"""Charts: where each addon's comes from and what is set in it, for a mirror's or a user's own chart."""

from typing import Any

from settings.model import Section


class ChartSettings(Section):
    """One addon's chart. Empty keys mean what the program pins (settings/versions.py) and computes."""

    chart: str = ""
    """Name, oci:// reference or path of the chart."""
    repository: str = ""
    """URL of the chart's repository, when `chart` is a name."""
    version: str = ""
    """Version of the chart."""
    values: dict[str, Any] = {}
    """Values merged over the computed ones, key by key; lists and scalars replace whole."""


class AddonSettings(Section):
    """The Helm releases."""

    calico: ChartSettings = ChartSettings()
    flannel: ChartSettings = ChartSettings()
    local_path: ChartSettings = ChartSettings()
    mariadb: ChartSettings = ChartSettings()
