"""Availability zones: that those of the settings exist, for machines and for their volumes."""

from __future__ import annotations

from collections.abc import Iterator

from preflight import planned
from preflight.subject import Subject, suggestion
from settings.problem import Problem


def told(subject: Subject) -> str:
    """The cloud's zones."""
    return ", ".join(subject.cloud.zones or ()) or "unknown"


def errors(subject: Subject) -> Iterator[Problem]:
    """A zone that nova does not have, or in which there is no block storage for a volume."""
    with_volume = {key for key, _, _ in planned.volumes(subject.platform).values()}
    for key, settings in subject.machine_settings.items():
        for zone in dict.fromkeys(settings.availability_zones):
            for known, what, asked in (
                (subject.cloud.zones, "no such zone that is up", True),
                (subject.cloud.volume_zones, "no block storage in that zone", key in with_volume),
            ):
                if asked and known is not None and zone not in known:
                    yield Problem(f"{key}.availabilityZones", zone, f"the cloud has {what}", suggestion(zone, known))
                    break
