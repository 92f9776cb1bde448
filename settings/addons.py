"""The addons' Helm charts: where each one comes from, and its values."""

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
    """One addon's chart. An empty key means what the program pins (settings/versions.py) or computes."""

    chart: str = ""
    """The chart: a name, an oci:// reference or a path."""
    repository: RepositoryUrl = ""
    """URL of the chart's repository, when `chart` is a name."""
    version: str = ""
    """Version of the chart."""
    values: dict[str, Any] = {}
    """Values that are merged over the computed ones, key by key. Lists and scalars replace the whole value."""


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
