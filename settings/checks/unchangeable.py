"""Settings that cannot change while the cluster exists, compared with what the stack runs."""

from __future__ import annotations

from collections.abc import Iterator

from settings.fixed import fixed
from settings.problem import Problem
from settings.rules import Context


def errors(context: Context) -> Iterator[Problem]:
    """One problem for each setting that differs from the running one."""
    settings, plan, running = context.settings, context.plan, context.running
    if running is None:
        return
    for key, value in fixed(settings, context.cluster, plan).items():
        before = running.fixed.get(key, value)
        if before != value:
            yield Problem(
                key,
                value,
                f"cannot change while the cluster exists, which has {before}",
                f"set it back to {before}, or bring up another stack and move there",
            )
