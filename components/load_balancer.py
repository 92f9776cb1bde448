"""The API's load balancer of the cloud (Octavia), with `api.loadBalancer: octavia`."""

from dataclasses import dataclass

import pulumi
from pulumi import CustomTimeouts, ResourceOptions
from pulumi_openstack import loadbalancer, networking

from components.network import Network, vip_options
from settings import names, ports
from settings.platform import Platform

#: An amphora is a machine that has to boot first.
TIMEOUT = CustomTimeouts(create="15m", update="10m", delete="10m")
#: Seconds between two checks of a member, seconds for each answer, and failures until it is left out: some 6 s.
CHECK_INTERVAL, CHECK_TIMEOUT, CHECK_FAILURES = 3, 2, 2
#: Milliseconds that a connection may be silent, as on the gateways: watches on the API are silent for long.
QUIET_LIMIT = 3600 * 1000


@dataclass(frozen=True)
class LoadBalancerArgs:
    """The checked platform, and the network whose edge the address is on."""

    platform: Platform
    network: Network


class LoadBalancer(pulumi.ComponentResource):
    """TCP from an address on the edge to every control plane; machines reach that address through the gateways."""

    address: pulumi.Output[str]
    """Where the API is reached from outside."""
    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: LoadBalancerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:network:LoadBalancer", name, None, opts)
        platform, network = args.platform, args.network
        plan, settings, api = platform.plan, platform.settings, platform.settings.api
        title = names.load_balancer(platform.cluster)
        tags = [names.tag(platform.cluster)]
        child = ResourceOptions(parent=self, custom_timeouts=TIMEOUT)
        balancer = loadbalancer.LoadBalancer(
            name,
            name=title,
            vip_subnet_id=network.edge.subnet_id,
            vip_address=plan.load_balancer,
            loadbalancer_provider=api.octavia.provider or None,
            flavor_id=api.octavia.flavor or None,
            tags=tags,
            opts=ResourceOptions.merge(
                vip_options(platform, self),
                # It has a leg on the members' network, which can go only after it.
                ResourceOptions(custom_timeouts=TIMEOUT, depends_on=[network.private_subnet]),
            ),
        )
        listener = loadbalancer.Listener(
            name,
            name=title,
            loadbalancer_id=balancer.id,
            protocol="TCP",
            protocol_port=ports.API,
            # Machines come from behind a gateway, with its address on the edge.
            allowed_cidrs=[*map(str, settings.access.api_cidrs), *plan.edge_gateway_ranges],
            timeout_client_data=QUIET_LIMIT,
            timeout_member_data=QUIET_LIMIT,
            tags=tags,
            opts=child,
        )
        pool = loadbalancer.Pool(
            name, name=title, listener_id=listener.id, protocol="TCP", lb_method="ROUND_ROBIN", opts=child
        )
        monitor = loadbalancer.Monitor(
            name,
            name=title,
            pool_id=pool.id,
            type="TCP",
            delay=CHECK_INTERVAL,
            timeout=CHECK_TIMEOUT,
            max_retries=CHECK_FAILURES,
            opts=child,
        )
        # All in one: Octavia takes one change of a load balancer at a time.
        members = loadbalancer.Members(
            name,
            pool_id=pool.id,
            members=[
                {
                    "name": machine.hostname,
                    "address": machine.address,
                    "protocol_port": ports.API,
                    "subnet_id": network.private_subnet.id,
                }
                for machine in plan.control_planes
            ],
            opts=ResourceOptions(parent=self, custom_timeouts=TIMEOUT, depends_on=[monitor]),
        )
        self.ready = [members]
        if network.edge.router_interface is None:
            self.address = pulumi.Output.from_input(plan.load_balancer)
        else:
            floating_ip = networking.FloatingIp(
                "api-load-balancer", pool=settings.network.external, tags=tags, opts=vip_options(platform, self)
            )
            association = networking.FloatingIpAssociate(
                "api-load-balancer",
                floating_ip=floating_ip.address,
                port_id=balancer.vip_port_id,
                opts=ResourceOptions(parent=self, depends_on=[network.edge.router_interface]),
            )
            self.address = floating_ip.address
            self.ready.append(association)
        self.register_outputs({"address": self.address})
