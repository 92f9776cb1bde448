"""Availability zones: that those of the settings exist, for machines and for their volumes."""

from __future__ import annotations

from collections.abc import Iterator

from preflight import planned
from preflight.context import Context, suggestion
from settings.problem import Problem


def summary(context: Context) -> str:
    """The cloud's zones."""
    return ", ".join(context.cloud.zones or ()) or "unknown"


def errors(context: Context) -> Iterator[Problem]:
    """A zone that nova does not have, or in which there is no block storage for a volume."""
    with_volume = {key for key, _, _ in planned.volumes(context.platform).values()}
    for key, settings in context.machine_settings.items():
        for zone in dict.fromkeys(settings.availability_zones):
            for known, what, asked in (
                (context.cloud.zones, "no such zone that is up", True),
                (context.cloud.volume_zones, "no block storage in that zone", key in with_volume),
            ):
                if asked and known is not None and zone not in known:
                    yield Problem(f"{key}.availabilityZones", zone, f"the cloud has {what}", suggestion(zone, known))
                    break
