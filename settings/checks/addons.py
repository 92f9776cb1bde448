"""Charts: combinations of their keys, and settings of charts that are not installed."""

from __future__ import annotations

from collections.abc import Iterator

from settings.addons import ChartSettings
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context


def _charts(settings: PlatformSettings) -> dict[str, ChartSettings]:
    addons = settings.addons
    return {
        "calico": addons.calico,
        "flannel": addons.flannel,
        "localPath": addons.local_path,
        "mariadb": addons.mariadb,
    }


def errors(context: Context) -> Iterator[Problem]:
    """A repository belongs to a chart's name, not to a full reference."""
    settings = context.settings
    for name, chart in _charts(settings).items():
        key = f"addons.{name}.repository"
        if chart.repository and chart.chart.startswith(("oci://", "/", "./")):
            yield Problem(
                key,
                chart.repository,
                f"cannot be combined with the chart {chart.chart}",
                "remove it",
                (f"addons.{name}.chart",),
            )
        elif chart.repository and not chart.chart:
            yield Problem(
                key, chart.repository, "has no chart", f"set addons.{name}.chart to its name", (f"addons.{name}.chart",)
            )


def warnings(context: Context) -> Iterator[Problem]:
    """Settings without effect."""
    settings = context.settings
    unused = {"flannel" if settings.kubernetes.cni == "calico" else "calico": "kubernetes.cni is the other one"}
    if not settings.database.enabled:
        unused["mariadb"] = "database.enabled is false"
    for name, reason in unused.items():
        if _charts(settings)[name] != ChartSettings():
            yield Problem(f"addons.{name}", "", f"has no effect: {reason}", "remove it")
    octavia = settings.api.octavia
    if settings.api.load_balancer != "octavia" and (octavia.provider or octavia.flavor):
        yield Problem("api.octavia", "", "has no effect: api.loadBalancer is gateways", "remove it")
