"""The database and its volumes: memory, nodes to run on, folders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from settings.machines import WorkerPoolSettings
from settings.model import size_of
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

#: Namespaces that are Kubernetes' own, with every one that begins with kube-.
_NAMESPACES: Final = ("default",)
#: Namespaces of the platform's other addons.
_OF_ADDONS: Final = ("local-path-storage", "tigera-operator", "calico-system", "calico-apiserver")
#: Databases that exist in every MariaDB (https://mariadb.com/kb/en/system-tables/).
_DATABASES: Final = ("mysql", "information_schema", "performance_schema", "sys", "test")
#: Folders of the system. A volume's content there would be lost at boot, or break the machine.
_SYSTEM: Final = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/var/lib/containerd",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/log",
    "/var/run",
    "/var/tmp",
    "/opt/cni",
    "/opt/openstack-paas",
)
#: Share of the memory that the buffer pool may have. The rest is for connections and the server itself
#: (https://mariadb.com/kb/en/mariadb-memory-allocation/).
_SHARE: Final = 0.8


def errors(context: Context) -> Iterator[Problem]:
    """Folders in any case, and the rest where there is a database."""
    settings = context.settings
    yield from _paths(settings)
    if settings.database.enabled:
        yield from _database(settings)


def _paths(settings: PlatformSettings) -> Iterator[Problem]:
    for key, path in (
        ("storage.workerPath", settings.storage.worker_path),
        ("storage.defaultPath", settings.storage.default_path),
    ):
        parts = path.split("/")[1:]
        if ".." in parts or "." in parts or "" in parts:
            yield Problem(
                key, path, "must be a plain path, without .., double slashes or a slash at its end", "simplify it"
            )
            continue
        inside = next((folder for folder in _SYSTEM if path == folder or path.startswith(f"{folder}/")), None)
        if inside:
            yield Problem(
                key, path, f"is in {inside}, which belongs to the system", "use a dedicated folder, such as /disks"
            )


def _database(settings: PlatformSettings) -> Iterator[Problem]:
    database = settings.database
    namespace = database.namespace
    if namespace in _NAMESPACES or namespace.startswith("kube-"):
        yield Problem("database.namespace", namespace, "is Kubernetes' own", "use another, such as database")
    elif namespace in _OF_ADDONS:
        yield Problem("database.namespace", namespace, "is another addon's", "use another, such as database")
    if database.database in _DATABASES:
        yield Problem("database.database", database.database, "is one of MariaDB's own", "use another, such as app")
    if size_of(database.buffer_pool) >= size_of(database.memory):
        yield Problem(
            "database.bufferPool",
            database.buffer_pool,
            f"must be less than database.memory, which is {database.memory}",
            f"use half of it, {size_of(database.memory) // 2**21}Mi",
            others=("database.memory",),
        )
    if database.acknowledge == "always-one-replica" and database.replicas == 0:
        yield Problem(
            "database.acknowledge",
            "always-one-replica",
            "there is no replica to acknowledge a commit: either the primary alone does, or nobody",
            "use 1 replica or more, preferably 2, or set it to primary",
            others=("database.replicas",),
        )
    unsized = any(pool.count is None and pool.machines is None for pool in settings.workers.values())
    if not nodes_for_pods(settings) and not unsized:
        yield Problem(
            "database.enabled",
            "true",
            "no node may run its pods: there are no workers without a taint, and control planes take none",
            "add a worker pool, set controlPlanes.schedulable, or turn the database off",
            others=("workers.*", "controlPlanes.schedulable"),
        )


def _takes_pods(pool: WorkerPoolSettings) -> bool:
    """Whether pods without tolerations may run there."""
    return all(taint.endswith(":PreferNoSchedule") for taint in pool.taints)


def nodes_for_pods(settings: PlatformSettings) -> int:
    """Nodes that ordinary pods may run on."""
    workers = sum(len(pool.places) for pool in settings.workers.values() if _takes_pods(pool))
    return workers + (settings.control_planes.count if settings.control_planes.schedulable else 0)


def warnings(context: Context) -> Iterator[Problem]:
    """Little memory, replicas that share a node, production without a replica."""
    settings = context.settings
    database = settings.database
    nodes = nodes_for_pods(settings)
    if not nodes:
        yield Problem(
            "workers", "", "no node takes ordinary pods", "add a worker pool or set controlPlanes.schedulable"
        )
    if not database.enabled:
        return
    if size_of(database.buffer_pool) > _SHARE * size_of(database.memory):
        yield Problem(
            "database.bufferPool",
            database.buffer_pool,
            f"is more than {_SHARE:.0%} of database.memory ({database.memory}): little is left for connections",
            f"use {int(size_of(database.memory) * _SHARE) // 2**20}Mi or less",
        )
    if database.replicas + 1 > nodes:
        yield Problem(
            "database.replicas",
            str(database.replicas),
            f"{database.replicas + 1} pods on {nodes} node{'s' if nodes > 1 else ''}: "
            "losing one node may lose two pods",
            f"use {max(nodes - 1, 0)}, or more workers",
        )
    for name, pool in sorted(settings.workers.items()):
        if pool.volume is not None and pool.volume.size_gib * 1024**3 < size_of(database.size):
            yield Problem(
                f"workers.{name}.volume.sizeGib",
                str(pool.volume.size_gib),
                f"is less than database.size, which is {database.size}",
                "use more: several volumes may lie on one node",
            )
    if settings.preset == "production" and database.replicas == 0:
        yield Problem("database.replicas", "0", "if the primary is lost, so is the database", "use 1 or more")
    if settings.preset == "production" and database.replicas and database.acknowledge == "primary":
        yield Problem(
            "database.acknowledge",
            "primary",
            "commits that no replica has yet are lost with the primary's disk",
            "use one-replica",
        )
    if database.acknowledge == "always-one-replica" and database.replicas == 1:
        yield Problem(
            "database.acknowledge",
            "always-one-replica",
            "writes stop whenever the only replica is away",
            "use one-replica, or 2 replicas",
            others=("database.replicas",),
        )
