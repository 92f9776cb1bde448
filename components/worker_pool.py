"""A worker pool: machines of one kind, keyed by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import pulumi
from pulumi_command import remote

from components.fleet import Fleet
from components.leave import Leaving
from components.machine import Machine
from components.pki import Pki
from components.rollout import Rollout
from components.server_groups import ServerGroups
from components.step import Access, StepArgs, step
from machines.kubernetes.worker import worker_bundle
from settings.machines import WorkerPoolSettings
from settings.platform import Platform


@dataclass(frozen=True)
class WorkerPoolArgs:
    """The pool's settings, the platform, and the way to the machines, once `depends_on` is there.

    Nothing of it is done before the steps `after`: those of running control planes, then of other pools.
    """

    pool: WorkerPoolSettings
    platform: Platform
    fleet: Fleet
    pki: Pki
    access: Access
    leaving: Leaving
    depends_on: Sequence[pulumi.Resource] = field(default_factory=tuple)
    after: Sequence[pulumi.Resource] = field(default_factory=tuple)


class WorkerPool(pulumi.ComponentResource):
    """Workers join as soon as an API server answers; they wait for no control plane in particular."""

    machines: dict[str, Machine]
    groups: ServerGroups
    steps: list[remote.Command]
    changed: list[pulumi.Resource]
    """The steps after which all running ones have been changed."""

    def __init__(self, name: str, args: WorkerPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:kubernetes:WorkerPool", name, None, opts)
        platform = args.platform
        own = [worker for worker in platform.addresses.workers if worker.pool == name]
        groups = args.fleet.server_groups(f"worker-{name}", args.pool, own, self)
        self.machines, self.steps, self.groups = {}, [], groups
        rollout = Rollout(platform.working, args.pool.max_unavailable, args.after)
        for planned in own:
            first = args.leaving.before_replacement(planned, args.pool.volume is not None, self)
            machine = args.fleet.machine(planned, args.pool, groups, self, first=first)
            self.machines[planned.name] = machine
            self.steps.append(
                step(
                    planned.name,
                    StepArgs(
                        machine=machine,
                        connection=args.access.connection(planned.address, machine.host_key.public_key_openssh),
                        inputs={
                            "ca": args.pki.cluster_ca.certificate,
                            "bootstrap": args.pki.bootstrap.certificate,
                            "bootstrap_key": args.pki.bootstrap.private_key,
                            **machine.volume_input,
                        },
                        render=partial(worker_bundle, platform, planned),
                        depends_on=[*args.depends_on, *rollout.before(planned)],
                    ),
                )
            )
            rollout.add(planned, self.steps[-1])
        self.changed = rollout.last
        self.register_outputs({})
