"""After an `up` that was killed: takes away what it had begun to make, so that the next `up` can go on.

Pulumi notes each creation before it starts (a pending operation). Killed in between, it knows that a thing may exist
but not its id, and the next `up` would fail on the taken address or make a second one. This finds such things by their
name in OpenStack, deletes those that no state knows, and clears the notes. Nothing that the state knows is touched, nor
anything without the stack's own name.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

Deployment = dict[str, Any]


@dataclass(frozen=True)
class Begun:
    """A creation that was begun and never recorded: its resource type and the inputs that name it."""

    type: str
    urn: str
    inputs: dict[str, Any]

    @property
    def name(self) -> str:
        """The name in OpenStack, empty where the kind has none."""
        return str(self.inputs.get("name", ""))


def begun_creations(deployment: Deployment) -> list[Begun]:
    """The pending creations of an exported deployment."""
    return [
        Begun(operation["resource"]["type"], operation["resource"]["urn"], operation["resource"].get("inputs") or {})
        for operation in deployment.get("pending_operations") or []
        if operation["type"] == "creating"
    ]


def known_ids(deployment: Deployment) -> set[str]:
    """Every id that the state knows."""
    return {resource["id"] for resource in deployment.get("resources") or [] if resource.get("id")}


@dataclass(frozen=True)
class Found:
    """A thing in the cloud that a begun creation made, and how to delete it."""

    what: str
    id: str
    delete: Callable[[], object]


class Cloud:
    """What recover needs of OpenStack, by an openstacksdk connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def matching(self, begun: Begun) -> Iterator[Found]:
        """Things that the creation `begun` may have made."""
        network, compute = self._connection.network, self._connection.compute
        named: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
            "openstack:networking/network:Network": (network.networks, network.delete_network),
            "openstack:networking/subnet:Subnet": (network.subnets, network.delete_subnet),
            "openstack:networking/router:Router": (network.routers, network.delete_router),
            "openstack:networking/port:Port": (network.ports, network.delete_port),
            "openstack:networking/secGroup:SecGroup": (network.security_groups, network.delete_security_group),
            "openstack:compute/instance:Instance": (compute.servers, self._delete_server),
            "openstack:compute/serverGroup:ServerGroup": (compute.server_groups, compute.delete_server_group),
            "openstack:compute/keypair:Keypair": (compute.keypairs, compute.delete_keypair),
        }
        if begun.type in named and begun.name:
            listing, delete = named[begun.type]
            # Not every listing can filter by name, and compute's name filter is a regular expression.
            for item in listing():
                if item.name == begun.name:
                    yield Found(f"{begun.type.split(':')[-1]} {item.name}", item.id, partial(delete, item))
        elif begun.type == "openstack:networking/secGroupRule:SecGroupRule":
            yield from self._rules(begun)
        elif begun.type == "openstack:networking/routerInterface:RouterInterface":
            yield from self._interfaces(begun)
        elif begun.type == "openstack:loadbalancer/loadBalancer:LoadBalancer":
            balancers = self._connection.load_balancer
            for item in balancers.load_balancers(name=begun.name):
                delete = partial(balancers.delete_load_balancer, item, cascade=True)
                yield Found(f"LoadBalancer {item.name}", item.id, delete)

    def data_volumes(self, begun: Begun) -> Iterator[tuple[str, str]]:
        """Name and id of volumes that the creation `begun` may have made."""
        if begun.type == "openstack:blockstorage/volume:Volume" and begun.name:
            for item in self._connection.block_storage.volumes(name=begun.name):
                yield item.name, item.id

    def _delete_server(self, server: Any) -> None:
        self._connection.compute.delete_server(server)
        self._connection.compute.wait_for_delete(server, interval=1, wait=120)

    def _rules(self, begun: Begun) -> Iterator[Found]:
        inputs, network = begun.inputs, self._connection.network
        wanted = {
            "protocol": inputs.get("protocol"),
            "port_range_min": inputs.get("portRangeMin"),
            "port_range_max": inputs.get("portRangeMax"),
            "remote_ip_prefix": inputs.get("remoteIpPrefix"),
            "remote_group_id": inputs.get("remoteGroupId"),
        }
        for rule in network.security_group_rules(security_group_id=inputs["securityGroupId"], direction="ingress"):
            if all(getattr(rule, key) == value for key, value in wanted.items()):
                yield Found(f"SecGroupRule {rule.id}", rule.id, partial(network.delete_security_group_rule, rule))

    def _interfaces(self, begun: Begun) -> Iterator[Found]:
        network, subnet = self._connection.network, begun.inputs["subnetId"]
        router = begun.inputs["routerId"]
        for port in network.ports(device_id=router, device_owner="network:router_interface"):
            if any(fixed["subnet_id"] == subnet for fixed in port.fixed_ips):
                yield Found(
                    f"RouterInterface {port.id}",
                    port.id,
                    lambda: network.remove_interface_from_router(router, subnet_id=subnet),
                )


def recover(deployment: Deployment, cloud: Cloud, say: Callable[[str], None]) -> int:
    """Delete what begun creations of `deployment` left in `cloud`; returns how many things that were."""
    known, removed = known_ids(deployment), 0
    # Machines before ports, ports before networks: the reverse of the order in which they were begun.
    for begun in reversed(begun_creations(deployment)):
        for name, volume in cloud.data_volumes(begun):
            if volume not in known:
                # Nobody can tell it from one that somebody has kept on purpose; and a second one does no harm.
                say(f"recover: the volume {name} ({volume}) is in no state and may hold data: it stays as it is")
        for found in cloud.matching(begun):
            if found.id in known:
                continue
            say(f"recover: {found.what} was begun by an `up` that was killed; deleting it")
            found.delete()
            removed += 1
    return removed


def _pulumi(*arguments: str, stdin: str | None = None) -> str:
    command = ["pulumi", "stack", *arguments]
    return subprocess.run(command, input=stdin, check=True, text=True, stdout=subprocess.PIPE, timeout=120).stdout


def main(say: Callable[[str], None] = print) -> int:
    """Recover the selected stack; the exit status."""
    exported = json.loads(_pulumi("export"))
    deployment = exported.get("deployment") or {}
    pending = deployment.get("pending_operations") or []
    if not pending:
        return 0
    import openstack

    recover(deployment, Cloud(openstack.connect()), say)
    # Other pending operations (update, delete) need no clean-up: steps are convergent, deletions run again.
    deployment["pending_operations"] = []
    _pulumi("import", stdin=json.dumps(exported))
    say(f"recover: cleared the notes of {len(pending)} operation(s) that an earlier `up` had not finished")
    return 0
