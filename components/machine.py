"""A machine: its port with a planned address, its SSH host key, its instance, and the volume of its data.

It is no component of its own but a group of its role's resources, each with the machine's name: states and previews
grow with the machines, so a machine has no resource that stands for nothing in the cloud or on the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pulumi
import pulumi_tls as tls
from pulumi import Alias, CustomTimeouts, ResourceOptions
from pulumi_openstack import compute, networking

from components import volume
from components.network import Network
from machines.user_data import user_data
from settings import names, security
from settings.machines import VolumeSettings
from settings.plan import PlannedMachine
from settings.platform import Platform

#: What may happen to a machine in this run.
Change = Literal["new", "kept", "resized", "replaced"]
#: A new image under an old name, a new release of this program, or another SSH key must not rebuild a living machine.
_GIVEN_AT_BIRTH: Final = ["imageId", "imageName", "userData", "keyPair"]
#: What each change leaves alone. A machine that is made again is made of nothing that may be gone since.
_IGNORED: Final[dict[Change, list[str]]] = {
    "new": _GIVEN_AT_BIRTH,
    "kept": [*_GIVEN_AT_BIRTH, "flavorId", "availabilityZone", "schedulerHints"],
    "resized": [*_GIVEN_AT_BIRTH, "availabilityZone", "schedulerHints"],
    "replaced": [],
}
#: A machine that has not booted by then never will; nova's own fault is in the message then.
BOOT_TIMEOUT = CustomTimeouts(create="5m", delete="5m")


@dataclass(frozen=True)
class MachineArgs:
    """One planned machine, what it is made of and the network it joins.

    `host_key` is made per machine unless the caller shares one (gateways do: the VIP moves between them). What
    `protected` keeps from removal is what holds the machine's data: its volume, or without one the instance.
    """

    planned: PlannedMachine
    platform: Platform
    network: Network
    image_id: str
    flavor_id: str
    key_pair: pulumi.Input[str]
    login_keys: pulumi.Output[str]
    server_group: pulumi.Input[str]
    server_group_name: str = ""
    change: Change = "new"
    host_key: tls.PrivateKey | None = None
    volume: VolumeSettings | None = None
    protected: bool = False
    depends_on: Sequence[pulumi.Resource] = field(default_factory=tuple)


class Machine:
    """One instance with a fixed address, keyed by name: removing one never touches another.

    `parent` is the component of its role.
    """

    parent: pulumi.Resource

    planned: PlannedMachine
    instance: compute.Instance
    port: networking.Port
    edge_port: networking.Port | None
    host_key: tls.PrivateKey
    login_keys: pulumi.Output[str]
    """Who logs in, and with which keys, for its step."""
    form: dict[str, Any]
    """What it is made of, for the output `forms`."""
    volume: compute.VolumeAttach | None
    """The attachment of its data volume."""

    def __init__(self, name: str, args: MachineArgs, parent: pulumi.Resource) -> None:
        self.parent = parent
        # Machines were components until 2026-11: what they had is found under its old address.
        self._was = parent.urn.apply(lambda urn: f"{urn.rpartition('::')[0]}$openstack-paas:machine:Machine::{name}")
        child = self.options()
        self.planned, self.login_keys = args.planned, args.login_keys
        self.host_key = args.host_key or tls.PrivateKey(name, algorithm="ED25519", opts=child)
        tags = [names.tag(args.platform.cluster)]
        groups = [args.network.security_groups[group].id for group in security.GROUPS_OF_ROLE[args.planned.role]]
        subnet = args.network.private_subnet.id
        is_gateway = bool(args.planned.edge_address)
        self.edge_port = None
        if is_gateway:
            self.edge_port = networking.Port(
                f"{name}-edge",
                name=names.edge_port(args.planned.hostname),
                network_id=args.network.edge.network_id,
                fixed_ips=[{"subnet_id": args.network.edge.subnet_id, "ip_address": args.planned.edge_address}],
                # A single address: OVN takes nothing wider for a virtual port.
                allowed_address_pairs=[{"ip_address": vip}] if (vip := args.platform.addresses.public_vip) else None,
                security_group_ids=groups,
                tags=tags,
                opts=child,
            )
        # A gateway forwards packets whose source is not its own address, which port security would drop; nftables on
        # the gateway guards this port instead.
        guard: dict[str, Any] = (
            {"port_security_enabled": False, "no_security_groups": True}
            if is_gateway
            else {"security_group_ids": groups}
        )
        self.port = networking.Port(
            name,
            name=args.planned.hostname,
            network_id=args.network.private.id,
            fixed_ips=[{"subnet_id": subnet, "ip_address": args.planned.address}],
            **guard,
            tags=tags,
            opts=child,
        )
        ports = [port for port in (self.edge_port, self.port) if port is not None]
        data = (
            volume.create(
                name, args.planned, args.platform.cluster, args.volume, self.options(protect=args.protected or None)
            )
            if args.volume
            else None
        )
        self.instance = compute.Instance(
            name,
            name=args.planned.hostname,
            flavor_id=args.flavor_id,
            image_id=args.image_id,
            key_pair=args.key_pair,
            networks=[{"port": port.id} for port in ports],
            user_data=self._user_data(args),
            scheduler_hints=[{"group": args.server_group}],
            availability_zone=args.planned.availability_zone or None,
            # A provider's network often has no DHCP: cloud-init then finds the addresses on this drive.
            config_drive=True if is_gateway and args.network.edge.is_public else None,
            tags=tags,
            opts=self.options(
                # After its volume, so that `pulumi destroy` removes the machine first.
                depends_on=[*args.depends_on, *([data] if data else [])],
                protect=(args.protected and data is None) or None,
                custom_timeouts=BOOT_TIMEOUT,
                # Its ports have fixed addresses and serve one machine at a time.
                delete_before_replace=True,
                ignore_changes=_IGNORED[args.change],
            ),
        )
        self.volume = volume.attach(name, data, self.instance, self.options()) if data else None
        self.form: dict[str, Any] = {
            "flavor": self.instance.flavor_name,
            "flavorId": self.instance.flavor_id,
            "zone": self.instance.availability_zone,
            "group": args.server_group_name,
            "volume": {"type": data.volume_type, "sizeGib": data.size} if data else None,
        }

    def options(self, former_name: str = "", **options: Any) -> ResourceOptions:
        """Options of a resource of this machine; `former_name` is what it was called when machines were components."""
        former = Alias(former_name, parent=self._was) if former_name else Alias(parent=self._was)
        return ResourceOptions(parent=self.parent, aliases=[former], **options)

    @property
    def volume_input(self) -> dict[str, pulumi.Input[str]]:
        """The id of its volume, known once that is attached, as one of its step's inputs."""
        return {"volume": self.volume.volume_id} if self.volume else {}

    def _user_data(self, args: MachineArgs) -> pulumi.Output[str]:
        def rendered(keys: list[str]) -> str:
            return user_data(args.platform, args.planned, *keys)

        # Secret because the private key is: the engine keeps that through `apply`.
        keys = pulumi.Output.all(
            pulumi.Output.secret(self.host_key.private_key_openssh), self.host_key.public_key_openssh
        )
        return keys.apply(rendered)
