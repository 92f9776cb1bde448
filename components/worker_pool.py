"""A worker pool: machines of one kind, keyed by name."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.cluster_access import ClusterAccess
from components.fleet import Access, Fleet
from components.role import Role
from machines.kubernetes.worker import worker_bundle


class WorkerPool(Role):
    """Workers join as soon as an API server answers; they wait for no control plane in particular."""

    def __init__(
        self,
        name: str,
        fleet: Fleet,
        access: Access,
        cluster: ClusterAccess,
        depends_on: Sequence[pulumi.Resource],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """The machines can be reached once `depends_on` exists.

        Nothing of the pool is done before the steps `after`: those of running control planes, then of other pools.
        """
        pki, pool = cluster.pki, fleet.platform.settings.workers[name]
        own = [worker for worker in fleet.platform.addresses.workers if worker.pool == name]
        token, role = "openstack-paas:kubernetes:WorkerPool", f"worker-{name}"
        super().__init__(token, name, fleet, role, pool, own, opts, window=pool.max_unavailable, after=after)
        for planned in own:
            leaves = cluster.leave_before_replacement(planned, self, keeps_volume=pool.volume is not None)
            machine = self.add_machine(planned, first=leaves)
            inputs = {
                "ca": pki.cluster_ca.certificate,
                "bootstrap": pki.bootstrap.certificate,
                "bootstrap_key": pki.bootstrap.private_key,
                **machine.volume_input,
            }
            self.add_step(machine, access, worker_bundle, inputs, [*depends_on, *self.rollout.before(planned)])
        self.register_outputs({})
