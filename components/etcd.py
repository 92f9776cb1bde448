"""The external etcd: members on machines of their own, under systemd, TLS for clients and peers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pulumi
from pulumi_command import remote

from components.fleet import Fleet
from components.machine import Machine
from components.pki import Pki
from components.server_groups import ServerGroups
from components.step import Access, StepArgs, step
from machines.etcd.bundle import endpoints, etcd_bundle
from settings.platform import Platform


@dataclass(frozen=True)
class EtcdClusterArgs:
    """The platform, the fleet, the certificates, and the way to the machines, once `depends_on` is there."""

    platform: Platform
    fleet: Fleet
    pki: Pki
    access: Access
    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """For the places that backups go to, by their keys in the stack file."""
    depends_on: Sequence[pulumi.Resource] = field(default_factory=tuple)


class EtcdCluster(pulumi.ComponentResource):
    """All members at once: each asks its peers and decides for itself to form, join or rejoin."""

    machines: dict[str, Machine]
    groups: ServerGroups
    steps: list[remote.Command]

    def __init__(self, name: str, args: EtcdClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:etcd:EtcdCluster", name, None, opts)
        platform, pki = args.platform, args.pki
        groups = args.fleet.server_groups("etcd", platform.settings.etcd, platform.addresses.etcd, self)
        self.machines, self.steps, self.groups = {}, [], groups
        for planned in platform.addresses.etcd:
            machine = args.fleet.machine(planned, platform.settings.etcd, groups, self, after=self.machines.values())
            member = pki.etcd_members[planned.name]
            self.machines[planned.name] = machine
            self.steps.append(
                step(
                    planned.name,
                    StepArgs(
                        machine=machine,
                        connection=args.access.connection(planned.address, machine.host_key.public_key_openssh),
                        inputs={
                            "ca": pki.etcd_ca.by_name,
                            "member": member.certificate,
                            "member_key": member.private_key,
                            "client": pki.etcd_client.certificate,
                            "client_key": pki.etcd_client.private_key,
                            **args.secrets,
                            **machine.volume_input,
                        },
                        render=partial(etcd_bundle, platform, planned),
                        depends_on=args.depends_on,
                    ),
                )
            )
        self.register_outputs({"endpoints": list(endpoints(platform))})
