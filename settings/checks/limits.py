"""Limits of Kubernetes (https://kubernetes.io/docs/setup/best-practices/cluster-large/)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

MOST_MACHINES: Final = 5_000
MOST_PODS: Final = 150_000
MOST_CONTAINERS: Final = 300_000
SOURCE: Final = "https://kubernetes.io/docs/setup/best-practices/cluster-large/"
#: Least kubernetes.podsPerNode: a fix below it would be no fix.
LEAST_PODS: Final = 10


def errors(context: Context) -> Iterator[Problem]:
    """Machines, pods and containers of the whole platform, with every node full."""
    settings = context.settings
    workers = sum(len(pool.places) for pool in settings.workers.values())
    machines = settings.gateways.count + settings.etcd.count + settings.control_planes.count + workers
    if machines > MOST_MACHINES:
        yield Problem(
            "workers",
            "",
            f"{machines:,} machines in all are over Kubernetes' limit of {MOST_MACHINES:,} ({SOURCE})",
            f"use {machines - MOST_MACHINES:,} fewer",
            others=("workers.*",),
        )
    nodes = workers + (settings.control_planes.count if settings.control_planes.schedulable else 0)
    if nodes:
        yield from _of_full_nodes(settings, nodes)


def _of_full_nodes(settings: PlatformSettings, nodes: int) -> Iterator[Problem]:
    pods_per_node, per_pod = settings.kubernetes.pods_per_node, settings.kubernetes.containers_per_pod
    pods = nodes * pods_per_node
    containers = int(pods * per_pod)
    if pods <= MOST_PODS and containers <= MOST_CONTAINERS:
        return
    # One message: the pods that fit must fit both limits.
    fitting = min(MOST_PODS // nodes, int(MOST_CONTAINERS / (nodes * per_pod)))
    over = [
        f"{amount:,} {what}, over Kubernetes' limit of {limit:,}"
        for amount, limit, what in (
            (pods, MOST_PODS, "pods"),
            (containers, MOST_CONTAINERS, f"containers ({per_pod:g} a pod)"),
        )
        if amount > limit
    ]
    yield Problem(
        "kubernetes.podsPerNode",
        str(pods_per_node),
        f"{nodes:,} nodes make {' and '.join(over)} ({SOURCE})",
        f"use {fitting} or less" if fitting >= LEAST_PODS else "use fewer nodes",
        others=("workers.*", "kubernetes.containersPerPod", "controlPlanes"),
    )
