"""Octavia: the cloud has it, when it is to balance the API."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.context import Context, suggestion
from settings.problem import Problem


def _asked(context: Context) -> bool:
    return context.settings.api.load_balancer == "octavia"


def summary(context: Context) -> str:
    """Whether it is asked for, and its drivers."""
    return ", ".join(context.cloud.load_balancer_providers or ("octavia",)) if _asked(context) else "not asked for"


def errors(context: Context) -> Iterator[Problem]:
    """No octavia, or not the driver that is asked for."""
    if not _asked(context):
        return
    if not context.cloud.has_load_balancers:
        yield Problem(
            "api.loadBalancer",
            "octavia",
            "the cloud has no load balancers (no service load-balancer in its catalog)",
            "use gateways: haproxy on the gateways balances the API",
        )
        return
    wanted, known = context.settings.api.octavia.provider, context.cloud.load_balancer_providers
    if wanted and known is not None and wanted not in known:
        yield Problem("api.octavia.provider", wanted, "octavia has no such driver", suggestion(wanted, known))
