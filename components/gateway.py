"""The gateways: keepalived with both VIPs, haproxy, NAT. The only way in and out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions
from pulumi_command import remote
from pulumi_openstack import networking

from components.fleet import Fleet
from components.machine import Machine
from components.pki import Pki
from components.rollout import Rollout
from components.server_groups import ServerGroups
from components.step import Access, StepArgs, step
from components.vip import vip_protection
from machines.gateway.bundle import gateway_bundle
from settings.platform import Platform


@dataclass(frozen=True)
class GatewaysArgs:
    """The platform, the fleet that machines are made with, and the authority that vouches for the API."""

    platform: Platform
    fleet: Fleet
    pki: Pki


class Gateways(pulumi.ComponentResource):
    """One or more gateways. Each is configured by a public address of its own, so no VIP has to work yet."""

    machines: dict[str, Machine]
    groups: ServerGroups
    addresses: dict[str, pulumi.Output[str]]
    """Each gateway's own public address: a floating IP, or its address on the provider's network."""
    steps: list[remote.Command]
    host_key: tls.PrivateKey
    """Shared by all gateways: behind the VIP's address answers whichever holds it."""

    def __init__(self, name: str, args: GatewaysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:gateway:Gateways", name, None, opts)
        child = ResourceOptions(parent=self)
        platform, fleet = args.platform, args.fleet
        plan, settings = platform.addresses, platform.settings
        self.host_key = tls.PrivateKey("gateway", algorithm="ED25519", opts=child)
        groups = fleet.server_groups("gateway", settings.gateways, plan.gateways, self)
        access = Access(settings.access.ssh_user, fleet.private_key)
        self.machines, self.addresses, self.steps, self.groups = {}, {}, [], groups
        rollout = Rollout(platform.working)
        for planned in plan.gateways:
            machine = fleet.machine(
                planned, settings.gateways, groups, self, host_key=self.host_key, after=self.machines.values()
            )
            address, ready = self._public_address(platform, fleet, machine)
            self.machines[planned.name] = machine
            self.addresses[planned.name] = address
            self.steps.append(
                step(
                    planned.name,
                    StepArgs(
                        machine=machine,
                        connection=access.connection(address, self.host_key.public_key_openssh),
                        inputs={"ca": args.pki.cluster_ca.certificate},
                        render=partial(gateway_bundle, platform, planned),
                        depends_on=[ready, *fleet.network.ready, *rollout.before(planned)],
                    ),
                )
            )
            rollout.add(planned, self.steps[-1])
        self.register_outputs({"addresses": self.addresses})

    @property
    def first_address(self) -> pulumi.Output[str]:
        """The way in where there is no VIP."""
        return next(iter(self.addresses.values()))

    def _public_address(
        self, platform: Platform, fleet: Fleet, machine: Machine
    ) -> tuple[pulumi.Output[str], pulumi.Resource]:
        """A gateway's public address, and what has to be there before it answers."""
        assert machine.edge_port is not None
        planned = machine.planned
        if fleet.network.edge.is_public:
            return pulumi.Output.from_input(planned.edge_address), machine.instance
        # Without a VIP the first gateway's address is the one that clients and DNS know.
        is_vip = fleet.network.public_vip is None and not self.addresses
        floating_ip = networking.FloatingIp(
            planned.name,
            pool=platform.settings.network.external,
            tags=fleet.tags,
            opts=machine.options(protect=vip_protection(platform) if is_vip else None),
        )
        association = networking.FloatingIpAssociate(
            planned.name,
            floating_ip=floating_ip.address,
            port_id=machine.edge_port.id,
            opts=machine.options(depends_on=[*fleet.network.ready, machine.instance]),
        )
        return floating_ip.address, association
