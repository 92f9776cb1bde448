"""A worker pool: machines of one kind, keyed by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pulumi

from components.access import Access
from components.cluster_access import ClusterAccess
from components.fleet import Fleet
from components.pki import Pki
from components.role import Role
from components.rollout import Rollout
from machines.kubernetes.worker import worker_bundle


class WorkerPool(Role):
    """Workers join as soon as an API server answers; they wait for no control plane in particular."""

    changed: list[pulumi.Resource]
    """The steps after which all running ones have been changed."""

    def __init__(
        self,
        name: str,
        fleet: Fleet,
        pki: Pki,
        access: Access,
        cluster: ClusterAccess,
        depends_on: Sequence[pulumi.Resource],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """The machines can be reached once `depends_on` exists.

        Nothing of the pool is done before the steps `after`: those of running control planes, then of other pools.
        """
        platform = fleet.platform
        pool = platform.settings.workers[name]
        own = [worker for worker in platform.addresses.workers if worker.pool == name]
        super().__init__("openstack-paas:kubernetes:WorkerPool", name, fleet, f"worker-{name}", pool, own, opts)
        rollout = Rollout(platform.working, pool.max_unavailable, after)
        for planned in own:
            leaves = cluster.leave_before_replacement(planned, self, keeps_volume=pool.volume is not None)
            machine = self.add_machine(planned, first=leaves)
            step = self.add_step(
                machine,
                access.connection(planned.address, machine.host_key.public_key_openssh),
                {
                    "ca": pki.cluster_ca.certificate,
                    "bootstrap": pki.bootstrap.certificate,
                    "bootstrap_key": pki.bootstrap.private_key,
                    **machine.volume_input,
                },
                partial(worker_bundle, platform, planned),
                [*depends_on, *rollout.before(planned)],
            )
            rollout.add(planned, step)
        self.changed = rollout.last
        self.register_outputs({})
