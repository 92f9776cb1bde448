"""The gateways: keepalived with both VIPs, haproxy, NAT. The only way in and out."""

from dataclasses import dataclass

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions
from pulumi_openstack import networking

from components.fleet import Fleet
from components.machine import Machine
from components.network import vip_protection
from components.role import Role
from machines.gateway.command import gateway_command


@dataclass(frozen=True)
class GatewaysArgs:
    """What gateways are made with."""

    fleet: Fleet


class Gateways(Role):
    """One or more gateways. Each is configured by a public address of its own, so no VIP has to work yet."""

    addresses: dict[str, pulumi.Output[str]]
    """Each gateway's own public address: a floating IP, or its address on the provider's network."""
    host_key: tls.PrivateKey
    """Shared by all gateways: behind the VIP's address answers whichever holds it."""

    def __init__(self, name: str, args: GatewaysArgs, opts: ResourceOptions | None = None) -> None:
        fleet = args.fleet
        platform, plan = fleet.platform, fleet.platform.plan
        settings = platform.settings
        super().__init__(
            "openstack-paas:gateway:Gateways", name, fleet, "gateway", settings.gateways, plan.gateways, opts
        )
        self.host_key = tls.PrivateKey("gateway", algorithm="ED25519", opts=ResourceOptions(parent=self))
        self.addresses = {}
        for planned in plan.gateways:
            machine = self.add_machine(planned, host_key=self.host_key, after=self.machines.values())
            address, ready = self._public_address(fleet, machine)
            self.addresses[planned.name] = address
            way = [ready, *fleet.network.ready]
            self.add_step(machine, fleet.access(), gateway_command, {}, self.order(planned), way, address)
        self.register_outputs({"addresses": self.addresses})

    def _public_address(self, fleet: Fleet, machine: Machine) -> tuple[pulumi.Output[str], pulumi.Resource]:
        """A gateway's public address, and what must exist before it answers."""
        assert machine.edge_port is not None
        planned, platform = machine.planned, fleet.platform
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
