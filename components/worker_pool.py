"""A worker pool: machines of one kind, keyed by name."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.cluster_access import ClusterAccess
from components.fleet import Access, Fleet
from components.role import Role, joining
from machines.kubernetes.worker import worker_command


@dataclass(frozen=True)
class WorkerPoolArgs:
    """What workers are made with, and the ways to them."""

    fleet: Fleet
    access: Access
    cluster: ClusterAccess
    depends_on: Sequence[pulumi.Resource]
    """The machines can be reached once these exist."""
    etcd: Sequence[pulumi.Resource]
    """The steps of etcd: before them no API answers."""
    after: Sequence[pulumi.Resource]
    """Nothing of the pool is done before these steps: those of running control planes, then of other pools."""


class WorkerPool(Role):
    """Workers join as soon as an API server answers; they wait for no control plane in particular."""

    def __init__(self, name: str, args: WorkerPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        fleet, cluster = args.fleet, args.cluster
        pki, pool = cluster.pki, fleet.platform.settings.workers[name]
        own = [worker for worker in fleet.platform.plan.workers if worker.pool == name]
        token, role = "openstack-paas:kubernetes:WorkerPool", f"worker-{name}"
        super().__init__(token, name, fleet, role, pool, own, opts, window=pool.max_unavailable, after=args.after)
        for planned in own:
            leaves = cluster.leave_before_replacement(planned, self, keeps_volume=pool.volume is not None)
            machine = self.add_machine(planned, first=leaves)
            inputs = {
                "ca": pki.cluster_ca.certificate,
                "ca_key": pki.cluster_ca.private_key,
                **joining(pki, machine),
            }
            self.add_step(
                machine, args.access, worker_command, inputs, [*args.etcd, *self.order(planned)], args.depends_on
            )
        self.register_outputs({})
