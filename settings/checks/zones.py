"""Availability zones."""

from __future__ import annotations

from collections.abc import Iterator

from settings.machines import MachineSettings
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

#: Number of zones with which no single loss takes the quorum.
_ZONES_FOR_QUORUM = 3


def roles(settings: PlatformSettings) -> dict[str, MachineSettings]:
    """The settings of each role, by key."""
    return {
        "gateways": settings.gateways,
        "etcd": settings.etcd,
        "controlPlanes": settings.control_planes,
        **{f"workers.{name}": pool for name, pool in sorted(settings.workers.items())},
    }


def errors(context: Context) -> Iterator[Problem]:
    """Names that nova would read as something else, and duplicate zones."""
    settings = context.settings
    for key, machines in roles(settings).items():
        zones = machines.availability_zones
        for index, zone in enumerate(zones):
            here = f"{key}.availabilityZones.{index}"
            if not zone.strip() or ":" in zone:
                yield Problem(
                    here,
                    zone or '""',
                    "is not a zone's name (nova reads ZONE:HOST for administrators)",
                    "write the zone alone",
                )
            elif zone in zones[:index]:
                yield Problem(here, zone, "is listed twice", "remove it")


def warnings(context: Context) -> Iterator[Problem]:
    """Two zones: if the larger one is lost, so is the quorum."""
    settings = context.settings
    for key, count in (("etcd", settings.etcd.count), ("controlPlanes", settings.control_planes.count)):
        zones = roles(settings)[key].availability_zones
        if count >= _ZONES_FOR_QUORUM and len(zones) == _ZONES_FOR_QUORUM - 1:
            yield Problem(
                f"{key}.availabilityZones",
                f"[{', '.join(zones)}]",
                f"one of two zones has {-(-count // 2)} of {count}: if it is lost, so is the quorum",
                "use three zones, or one",
            )
