"""The gateways: keepalived with both VIPs, haproxy, NAT. The only way in and out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions
from pulumi_command import remote
from pulumi_openstack import networking

from components import specs
from components.fleet import Fleet
from components.machine import Machine
from components.pki import Pki
from components.rollout import Rollout
from components.server_groups import ServerGroups
from components.step import Access, StepArgs, step
from components.vip import vip_protection
from node import render
from node.bundle import Bundle
from node.specs import GatewaySpec
from settings.plan import PlannedMachine
from settings.platform import Platform

#: VRRP priority of the first gateway, each further one has 10 less: it decides a tie at the start (nopreempt). High,
#: because a backup waits (256 - priority) / 256 of an interval longer (RFC 9568, section 6.1: skew time).
FIRST_PRIORITY = 254


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
                        render=partial(self._bundle, platform, planned),
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

    @staticmethod
    def _bundle(platform: Platform, planned: PlannedMachine, pem: dict[str, str]) -> Bundle:
        plan, settings = platform.addresses, platform.settings
        others = tuple(gateway for gateway in plan.gateways if gateway != planned)
        spec = GatewaySpec(
            base=specs.base(platform, planned),
            edge_address=planned.edge_address,
            edge_gateway=plan.edge_gateway,
            edge_cidr=str(settings.network.edge),
            private_cidr=str(settings.network.private),
            edge_is_open=settings.network.public_vip == "provider-network",
            load_balancer=plan.load_balancer,
            public_vip=plan.public_vip,
            private_vip=plan.private_vip,
            priority=FIRST_PRIORITY - 10 * plan.gateways.index(planned),
            peers=specs.peers(others),
            edge_peers=specs.peers(others, edge=True),
            api_backends=() if plan.load_balancer else specs.peers(plan.control_planes),
            ingress_backends=specs.ingress(plan),
            ca_certificate=pem["ca"],
            advert_interval_seconds=settings.gateways.advert_interval_seconds,
            ssh_cidrs=tuple(map(str, settings.access.ssh_cidrs)),
            api_cidrs=tuple(map(str, settings.access.api_cidrs)),
        )
        return render.gateway(spec)
