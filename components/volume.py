"""A machine's data volume: it outlives the machine, and a replaced machine gets it attached again."""

from __future__ import annotations

from pulumi import CustomTimeouts, ResourceOptions
from pulumi_openstack import blockstorage, compute

from settings import names
from settings.machines import VolumeSettings
from settings.plan import PlannedMachine

#: Nova's own limits for an attachment are below (block_device_allocate_retries: 60 times 3 s).
TIMEOUT = CustomTimeouts(create="5m", update="5m", delete="5m")


def create(
    name: str,
    planned: PlannedMachine,
    cluster: str,
    settings: VolumeSettings,
    options: ResourceOptions,
) -> blockstorage.Volume:
    """The volume. A larger size grows it in place, attached or not; another type or zone is a new, empty volume."""
    return blockstorage.Volume(
        f"{name}-data",
        name=names.data_volume(planned.hostname),
        description=f"data of {planned.hostname}",
        size=settings.size_gib,
        volume_type=settings.type or None,
        availability_zone=planned.availability_zone or None,
        enable_online_resize=True,
        # Cinder has no tags: this stands for ours.
        metadata={"openstack-paas": cluster},
        opts=ResourceOptions.merge(options, ResourceOptions(custom_timeouts=TIMEOUT)),
    )


def attach(
    name: str, volume: blockstorage.Volume, instance: compute.Instance, options: ResourceOptions
) -> compute.VolumeAttach:
    """The attachment. A volume is on one machine at a time: the old attachment ends before the new one begins."""
    return compute.VolumeAttach(
        f"{name}-data",
        instance_id=instance.id,
        volume_id=volume.id,
        opts=ResourceOptions.merge(
            options, ResourceOptions(delete_before_replace=True, deleted_with=instance, custom_timeouts=TIMEOUT)
        ),
    )
