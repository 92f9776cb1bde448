"""Quotas: what the plan needs of each, against what is left."""

from __future__ import annotations

from collections.abc import Iterator

from preflight import planned
from preflight.cloud import Quota
from preflight.context import Context
from preflight.quota_usage import Need, needs
from settings.problem import Problem

#: Units of the quotas that do not count things.
UNITS = {"ram": " MiB", "gigabytes": " GiB"}


def _unit(quota: str) -> str:
    return UNITS.get(quota.partition("_")[0] if quota.startswith("gigabytes") else quota, "")


def summary(context: Context) -> str:
    """How much of the tightest quotas the plan needs."""
    parts = []
    for need in needs(context):
        quota = context.cloud.quotas.get(need.quota)
        if quota and need.more and quota.free is not None:
            parts.append(f"{need.quota} {need.more} of {quota.free} left")
    return ", ".join(parts) or "nothing more is needed"


def _short(quota: Quota, need: Need) -> Problem:
    unit = _unit(need.quota)
    by = ", ".join(f"{key} {count}" for key, count in need.by.items() if count)
    used = quota.used or 0
    smaller = f", or make {need.largest} smaller" if need.largest else ""
    return Problem(
        f"quota {need.quota}",
        f"{quota.limit}{unit}",
        f"is too small: the plan needs {need.more}{unit} more{f' ({by})' if by else ''}, {used} are in use and "
        f"{quota.free} are left",
        f"ask the cloud's operators for {used + need.more}{unit}{smaller}",
    )


def errors(context: Context) -> Iterator[Problem]:
    """A quota that the plan does not fit into."""
    for need in needs(context):
        quota = context.cloud.quotas.get(need.quota)
        if quota and need.more > 0 and quota.free is not None and need.more > quota.free:
            yield _short(quota, need)
    members = context.cloud.quotas.get("server_group_members")
    if members is None or members.limit < 0:
        return
    for group in planned.groups_by_name(context.platform).values():
        key, count = group.key, len(group.machines)
        if count > members.limit:
            yield Problem(
                "quota server_group_members",
                str(members.limit),
                f"is too small: the {count} machines of {key} are one server group, so that they are spread over hosts",
                f"ask the cloud's operators for {count}, or split {key} into several pools",
            )


def warnings(context: Context) -> Iterator[Problem]:
    """A limit whose usage the cloud does not show."""
    for need in needs(context):
        quota = context.cloud.quotas.get(need.quota)
        if quota and need.more and quota.limit >= 0 and quota.used is None:
            yield Problem(
                f"quota {need.quota}",
                str(quota.limit),
                "the cloud does not say how much of it is in use",
                f"see that {need.more} are left",
            )
