"""A machine: its port with a planned address, its SSH host key, its instance, and the volume of its data.

It is not a component of its own but a group of its role's resources, each with the machine's name: states and previews
grow with the machines, so every resource of a machine is something in the cloud or on the machine.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import pulumi
import pulumi_tls as tls
from pulumi import Alias, CustomTimeouts, ResourceOptions
from pulumi_openstack import blockstorage, compute, networking

from components.fleet import Fleet
from machines.user_data import user_data
from settings import names, security
from settings.machines import EtcdSettings, MachineSettings, VolumeSettings, WorkerPoolSettings
from settings.plan import PlannedMachine
from settings.platform import Platform

#: What may happen to a machine in this run.
Change = Literal["new", "kept", "resized", "replaced"]
#: A new image under an old name, a new release of this program, or another SSH key must not rebuild a living machine.
_GIVEN_AT_BIRTH: Final = ["imageId", "imageName", "userData", "keyPair"]
#: What each change leaves alone. A machine that is replaced is made of nothing that may be gone since.
_IGNORED: Final[dict[Change, list[str]]] = {
    "new": _GIVEN_AT_BIRTH,
    "kept": [*_GIVEN_AT_BIRTH, "flavorId", "availabilityZone", "schedulerHints"],
    "resized": [*_GIVEN_AT_BIRTH, "availabilityZone", "schedulerHints"],
    "replaced": [],
}
#: A machine that has not booted by then never will; the message then has nova's own fault.
BOOT_TIMEOUT = CustomTimeouts(create="5m", delete="5m")
#: Nova's own limits for an attachment are below (block_device_allocate_retries: 60 times 3 s).
VOLUME_TIMEOUT = CustomTimeouts(create="5m", update="5m", delete="5m")


def _change(platform: Platform, planned: PlannedMachine) -> Change:
    """What may happen to the machine: one that runs stays as it is unless it was named."""
    if planned.hostname not in platform.working:
        return "new"
    replaced = platform.replacing.get(planned.hostname)
    return "kept" if replaced is None else "replaced" if replaced else "resized"


class Machine:
    """One instance with a fixed address, keyed by name: removing one never touches another.

    `parent` is the component of its role.
    """

    parent: pulumi.Resource
    planned: PlannedMachine
    instance: compute.Instance
    edge_port: networking.Port | None
    host_key: tls.PrivateKey
    form: dict[str, Any]
    """What it is made of, for the output `forms`."""
    volume: compute.VolumeAttach | None
    """The attachment of its data volume."""

    def __init__(
        self,
        fleet: Fleet,
        planned: PlannedMachine,
        settings: MachineSettings,
        server_group: compute.ServerGroup,
        server_group_name: str,
        parent: pulumi.Resource,
        host_key: tls.PrivateKey | None = None,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> None:
        """`settings` are those of its role.

        A host key is made for each machine unless the caller shares one (gateways do: the VIP moves between them).
        """
        self.parent, self.planned = parent, planned
        name, platform, network = planned.name, fleet.platform, fleet.network
        # Machines were components until 2026-11: what they had is found under its old address.
        self._was = parent.urn.apply(lambda urn: f"{urn.rpartition('::')[0]}$openstack-paas:machine:Machine::{name}")
        child = self.options()
        self.host_key = host_key or tls.PrivateKey(name, algorithm="ED25519", opts=child)
        groups = [network.security_groups[group].id for group in security.GROUPS_OF_ROLE[planned.role]]
        is_gateway = bool(planned.edge_address)
        self.edge_port = None
        if is_gateway:
            self.edge_port = networking.Port(
                f"{name}-edge",
                name=names.edge_port(planned.hostname),
                network_id=network.edge.network_id,
                fixed_ips=[{"subnet_id": network.edge.subnet_id, "ip_address": planned.edge_address}],
                # A single address: OVN takes nothing wider for a virtual port.
                allowed_address_pairs=[{"ip_address": vip}] if (vip := platform.plan.public_vip) else None,
                security_group_ids=groups,
                tags=fleet.tags,
                opts=child,
            )
        # A gateway forwards packets whose source is not its own address, which port security would drop; nftables on
        # the gateway guards this port instead.
        guard: dict[str, Any] = (
            {"port_security_enabled": False, "no_security_groups": True}
            if is_gateway
            else {"security_group_ids": groups}
        )
        private_port = networking.Port(
            name,
            name=planned.hostname,
            network_id=network.private.id,
            fixed_ips=[{"subnet_id": network.private_subnet.id, "ip_address": planned.address}],
            **guard,
            tags=fleet.tags,
            opts=child,
        )
        data, protected = None, platform.settings.protection.etcd and planned.role == "etcd"
        if isinstance(settings, EtcdSettings | WorkerPoolSettings) and settings.volume:
            # A worker without a volume is protected by nothing: its database is kept by replicas, and pools shrink.
            protected = protected or (platform.settings.protection.database and planned.role == "worker")
            data = self._data_volume(platform.cluster, settings.volume, protected)
        self.instance = compute.Instance(
            name,
            name=planned.hostname,
            # In a preview that could not ask the cloud, the name takes the place of the id.
            flavor_id=fleet.catalog.flavors.get(settings.flavor, settings.flavor),
            image_id=fleet.catalog.images.get(settings.image, settings.image),
            key_pair=fleet.key_pair.name,
            networks=[{"port": port.id} for port in (self.edge_port, private_port) if port is not None],
            user_data=self._user_data(platform),
            scheduler_hints=[{"group": server_group.id}],
            availability_zone=planned.availability_zone or None,
            # A provider's network often has no DHCP: cloud-init then finds the addresses on this drive.
            config_drive=True if is_gateway and network.edge.is_public else None,
            tags=fleet.tags,
            opts=self.options(
                # After its volume, so that `pulumi destroy` removes the machine first.
                depends_on=[*depends_on, *([data] if data else [])],
                # What holds the machine's data is protected: its volume, or without one the instance.
                protect=(protected and data is None) or None,
                custom_timeouts=BOOT_TIMEOUT,
                # Its ports have fixed addresses and serve one machine at a time.
                delete_before_replace=True,
                ignore_changes=_IGNORED[_change(platform, planned)],
            ),
        )
        self.volume = self._attach(data) if data else None
        self.form = {
            "flavor": self.instance.flavor_name,
            "flavorId": self.instance.flavor_id,
            "zone": self.instance.availability_zone,
            "group": server_group_name,
            "volume": {"type": data.volume_type, "sizeGib": data.size} if data else None,
        }

    def options(self, former_name: str = "", **options: Any) -> ResourceOptions:
        """Options of a resource of this machine; `former_name` is what it was called when machines were components."""
        former = Alias(former_name, parent=self._was) if former_name else Alias(parent=self._was)
        return ResourceOptions(parent=self.parent, aliases=[former], **options)

    def _data_volume(self, cluster: str, settings: VolumeSettings, protected: bool) -> blockstorage.Volume:
        """It outlives the machine, and a replaced machine gets it attached again.

        A larger size grows it in place, attached or not; another type or zone is a new, empty volume.
        """
        return blockstorage.Volume(
            f"{self.planned.name}-data",
            name=names.data_volume(self.planned.hostname),
            description=f"data of {self.planned.hostname}",
            size=settings.size_gib,
            volume_type=settings.type or None,
            availability_zone=self.planned.availability_zone or None,
            enable_online_resize=True,
            # Cinder has no tags: this takes their place.
            metadata={"openstack-paas": cluster},
            opts=self.options(protect=protected or None, custom_timeouts=VOLUME_TIMEOUT),
        )

    def _attach(self, data: blockstorage.Volume) -> compute.VolumeAttach:
        """A volume is on one machine at a time: the old attachment ends before the new one begins."""
        return compute.VolumeAttach(
            f"{self.planned.name}-data",
            instance_id=self.instance.id,
            volume_id=data.id,
            opts=self.options(delete_before_replace=True, deleted_with=self.instance, custom_timeouts=VOLUME_TIMEOUT),
        )

    def _user_data(self, platform: Platform) -> pulumi.Output[str]:
        # Secret because the private key is: the engine keeps that through `apply`.
        keys = pulumi.Output.all(
            pulumi.Output.secret(self.host_key.private_key_openssh), self.host_key.public_key_openssh
        )
        return keys.apply(lambda texts: user_data(platform, self.planned, *texts))
