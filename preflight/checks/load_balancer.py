"""Octavia: that the cloud has it when the API shall be balanced by it."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.subject import Subject, suggestion
from settings.problem import Problem


def _asked(subject: Subject) -> bool:
    return subject.platform.settings.api.load_balancer == "octavia"


def told(subject: Subject) -> str:
    """Whether it is asked for, and its drivers."""
    return ", ".join(subject.cloud.load_balancer_providers or ("octavia",)) if _asked(subject) else "not asked for"


def errors(subject: Subject) -> Iterator[Problem]:
    """No octavia, or not the driver that is asked for."""
    if not _asked(subject):
        return
    if not subject.cloud.has_load_balancers:
        yield Problem(
            "api.loadBalancer",
            "octavia",
            "the cloud has no load balancers (no service load-balancer in its catalog)",
            "use gateways: haproxy on the gateways balances the API",
        )
        return
    wanted, known = subject.platform.settings.api.octavia.provider, subject.cloud.load_balancer_providers
    if wanted and known is not None and wanted not in known:
        yield Problem("api.octavia.provider", wanted, "octavia has no such driver", suggestion(wanted, known))
