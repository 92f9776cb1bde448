"""Charts: where each addon's comes from and what is set in it, for a mirror's or a user's own chart."""

from typing import Annotated, Any

from settings.model import Section, text

RepositoryUrl = Annotated[
    str,
    text(
        r"^(https?://[^\s/@]+(/[^\s]*)?)?$",
        "must be an http:// or https:// URL without credentials",
        "write it as https://charts.example.org/stable",
    ),
]


class ChartSettings(Section):
    """One addon's chart. Empty keys mean what the program pins (settings/versions.py) and computes."""

    chart: str = ""
    """Name, oci:// reference or path of the chart."""
    repository: RepositoryUrl = ""
    """URL of the chart's repository, when `chart` is a name."""
    version: str = ""
    """Version of the chart."""
    values: dict[str, Any] = {}
    """Values merged over the computed ones, key by key; lists and scalars replace whole."""


class AddonSettings(Section):
    """The Helm releases."""

    calico: ChartSettings = ChartSettings()
    """The CNI of `kubernetes.cni: calico` (tigera-operator)."""
    flannel: ChartSettings = ChartSettings()
    """The CNI of `kubernetes.cni: flannel`."""
    local_path: ChartSettings = ChartSettings()
    """The provisioner of local volumes."""
    mariadb: ChartSettings = ChartSettings()
    """The database."""
