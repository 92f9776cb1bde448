"""The control planes: API server, scheduler, controller-manager, by kubeadm."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.cluster_access import ClusterAccess
from components.etcd import EtcdCluster
from components.fleet import Access, Fleet
from components.role import Role, joining
from machines.kubernetes.control_plane import control_plane_command


@dataclass(frozen=True)
class ControlPlaneArgs:
    """What control planes are made with, their etcd, and the ways to them."""

    fleet: Fleet
    etcd: EtcdCluster
    access: Access
    cluster: ClusterAccess
    api_addresses: Sequence[pulumi.Input[str]]
    """Those by which the API is reached from outside."""
    depends_on: Sequence[pulumi.Resource]
    """The machines can be reached, and the API can be balanced, once these exist."""


class ControlPlane(Role):
    """All control planes at once. Which of them initialises the cluster, the machines decide under a lock in etcd."""

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        fleet, platform, pki = args.fleet, args.fleet.platform, args.cluster.pki
        settings, planes = platform.settings.control_planes, platform.plan.control_planes
        token = "openstack-paas:kubernetes:ControlPlane"
        super().__init__(token, name, fleet, "control-plane", settings, planes, opts)
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
        }
        for planned in planes:
            leaves = args.cluster.leave_before_replacement(planned, self)
            machine = self.add_machine(planned, after=self.machines.values(), first=leaves)
            # One that joins is of the new version: the others are by then.
            is_new = planned.hostname not in platform.working
            order = self.last if is_new else self.order(planned)
            needed = [*args.etcd.steps, *order]
            own = {**inputs, **joining(pki, machine)}
            self.add_step(machine, args.access, control_plane_command, own, needed, args.depends_on)
            args.cluster.add_control_plane(machine, self.steps[-1])
        self.register_outputs({})
