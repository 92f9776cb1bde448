"""A machine's data volume: what its bundle gets besides the role's own files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.system.volume import Volume
from machines.common.bundle import CONVERGE, File, ScriptSettings
from machines.common.templates import read_script, render_template
from settings.machines import VolumeSettings

#: The role's own script, where the volume's comes first.
ROLE = "role"


@dataclass(frozen=True)
class Use:
    """Where a volume is mounted, the service that never runs without it, and the user who owns its files, if any."""

    path: str
    service: str
    owner: str = ""


def with_volume(files: Sequence[File], volume: VolumeSettings | None, use: Use) -> tuple[File, ...]:
    """The files of a role whose `converge` mounts the volume and then runs the role's own; unchanged without one."""
    if volume is None:
        return tuple(files)
    mount = render_template("common/volume.mount.j2", path=use.path, service=use.service)
    service = render_template("common/volume-service.conf.j2", path=use.path, owner=use.owner)
    others = [file if file.path != CONVERGE else File(ROLE, file.content, file.mode) for file in files]
    return (
        File(CONVERGE, read_script("common/volume.sh"), 0o755),
        *others,
        File("files/volume.mount", mount),
        File("files/volume-service.conf", service),
    )


def volume_settings(volume: VolumeSettings | None, use: Use, inputs: Mapping[str, str]) -> ScriptSettings:
    """The settings that volume.sh reads; the volume's id is the input `volume`.

    The size is among them, so that a larger one runs it again.
    """
    if volume is None:
        return {}
    return {
        "VOLUME_ID": inputs["volume"],
        "VOLUME_GIB": str(volume.size_gib),
        "VOLUME_PATH": use.path,
        "VOLUME_SERVICE": use.service,
    }


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
