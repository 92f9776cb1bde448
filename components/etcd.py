"""The external etcd: members on machines of their own, under systemd, TLS for clients and peers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.fleet import Access, Fleet
from components.pki import Pki
from components.role import Role
from machines.etcd.command import endpoints, etcd_command


@dataclass(frozen=True)
class EtcdClusterArgs:
    """What members are made with, and the way to them."""

    fleet: Fleet
    pki: Pki
    access: Access
    backup_secrets: Mapping[str, pulumi.Output[str]]
    """For the places that backups go to, by their keys in the stack file."""
    depends_on: Sequence[pulumi.Resource]
    """The machines can be reached once these exist."""


class EtcdCluster(Role):
    """All members at once: each asks its peers and decides for itself to form, join or rejoin."""

    def __init__(self, name: str, args: EtcdClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        fleet, pki = args.fleet, args.pki
        platform, members = fleet.platform, fleet.platform.plan.etcd
        super().__init__("openstack-paas:etcd:EtcdCluster", name, fleet, "etcd", platform.settings.etcd, members, opts)
        for planned in members:
            self.add_machine(planned, after=self.machines.values())
        # The first one begins when all machines are there: where a member is silent, nobody founds an etcd without it.
        first = platform.running.founders is None
        made = [machine.instance for machine in self.machines.values()] if first else []
        for planned in members:
            machine = self.machines[planned.name]
            member = pki.etcd_members[planned.name]
            inputs = {
                "ca": pki.etcd_ca.by_name,
                "member": member.certificate,
                "member_key": member.private_key,
                "client": pki.etcd_client.certificate,
                "client_key": pki.etcd_client.private_key,
                "instance": machine.instance.id,
                **args.backup_secrets,
            }
            self.add_step(machine, args.access, etcd_command, inputs, made, args.depends_on)
        self.register_outputs({"endpoints": list(endpoints(platform))})
