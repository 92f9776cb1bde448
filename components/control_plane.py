"""The control planes: API server, scheduler, controller-manager, by kubeadm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import pulumi
from pulumi_command import remote

from components.etcd import EtcdCluster
from components.fleet import Fleet
from components.leave import Leaving
from components.machine import Machine
from components.pki import Pki
from components.rollout import Rollout
from components.server_groups import ServerGroups
from components.step import Access, StepArgs, step
from machines.kubernetes.control_plane import control_plane_bundle
from settings.platform import Platform


@dataclass(frozen=True)
class ControlPlaneArgs:
    """The platform, the fleet, the certificates, etcd, and the way to the machines, once `depends_on` is there.

    `api_addresses` are those by which the API is reached from outside.
    """

    platform: Platform
    fleet: Fleet
    pki: Pki
    etcd: EtcdCluster
    access: Access
    leaving: Leaving
    api_addresses: Sequence[pulumi.Input[str]]
    depends_on: Sequence[pulumi.Resource] = field(default_factory=tuple)


class ControlPlane(pulumi.ComponentResource):
    """All control planes at once. Which of them initialises the cluster, the machines decide under a lock in etcd."""

    machines: dict[str, Machine]
    groups: ServerGroups
    steps: list[remote.Command]
    changed: list[pulumi.Resource]
    """The steps after which all running ones have been changed."""

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:kubernetes:ControlPlane", name, None, opts)
        platform, pki = args.platform, args.pki
        groups = args.fleet.server_groups(
            "control-plane", platform.settings.control_planes, platform.addresses.control_planes, self
        )
        self.machines, self.steps, self.groups = {}, [], groups
        rollout = Rollout(platform.working)
        inputs: dict[str, pulumi.Input[str]] = {
            "api_addresses": pulumi.Output.all(*args.api_addresses).apply(",".join),
            "ca": pki.cluster_ca.certificate,
            "ca_key": pki.cluster_ca.private_key,
            "front_proxy_ca": pki.front_proxy_ca.certificate,
            "front_proxy_ca_key": pki.front_proxy_ca.private_key,
            "service_account": pki.service_account.public_key_pem,
            "service_account_key": pki.service_account.private_key_pem,
            "etcd_ca": pki.etcd_ca.by_name,
            "etcd_client": pki.apiserver_etcd_client.certificate,
            "etcd_client_key": pki.apiserver_etcd_client.private_key,
            "bootstrap": pki.bootstrap.certificate,
            "bootstrap_key": pki.bootstrap.private_key,
        }
        for planned in platform.addresses.control_planes:
            machine = args.fleet.machine(
                planned,
                platform.settings.control_planes,
                groups,
                self,
                after=self.machines.values(),
                first=args.leaving.before_replacement(planned, False, self),
            )
            self.machines[planned.name] = machine
            self.steps.append(
                step(
                    planned.name,
                    StepArgs(
                        machine=machine,
                        connection=args.access.connection(planned.address, machine.host_key.public_key_openssh),
                        inputs=inputs,
                        render=partial(control_plane_bundle, platform, planned),
                        depends_on=[
                            *args.depends_on,
                            *args.etcd.steps,
                            # One that joins is of the new version: the others are by then.
                            *(rollout.before(planned) if planned.hostname in platform.working else rollout.last),
                        ],
                    ),
                )
            )
            rollout.add(planned, self.steps[-1])
        self.changed = rollout.last
        self.register_outputs({})
