"""A machine's data volume."""

from collections.abc import Mapping

from agent.system.volume import Volume
from machines.common.templates import render_template
from settings.machines import VolumeSettings


def desired_volume(
    volume: VolumeSettings | None, inputs: Mapping[str, str], path: str, service: str, owner: str = ""
) -> Volume | None:
    """The data volume of a machine, whose id is the input `volume`; None without one.

    It is mounted on `path`, `service` never runs without it, and its files belong to the user `owner`, if any.
    """
    if volume is None:
        return None
    return Volume(
        id=inputs["volume"],
        gib=volume.size_gib,
        path=path,
        service=service,
        mount_unit=render_template("common/volume.mount.j2", path=path, service=service),
        service_drop_in=render_template("common/volume-service.conf.j2", path=path, owner=owner),
    )
