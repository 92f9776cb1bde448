"""A machine's data volume."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.system.volume import Volume
from machines.common.templates import render_template
from settings.machines import VolumeSettings


@dataclass(frozen=True)
class Use:
    """Where a volume is mounted, the service that never runs without it, and the user who owns its files, if any."""

    path: str
    service: str
    owner: str = ""


def desired_volume(volume: VolumeSettings | None, use: Use, inputs: Mapping[str, str]) -> Volume | None:
    """The data volume of a machine, whose id is the input `volume`; None without one."""
    if volume is None:
        return None
    return Volume(
        id=inputs["volume"],
        gib=volume.size_gib,
        path=use.path,
        service=use.service,
        mount_unit=render_template("common/volume.mount.j2", path=use.path, service=use.service),
        service_drop_in=render_template("common/volume-service.conf.j2", path=use.path, owner=use.owner),
    )
