"""The database and its volumes: memory, nodes to run on, folders."""

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
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr"),
    *("/var/lib/containerd", "/var/lib/etcd", "/var/lib/kubelet", "/var/log", "/var/run", "/var/tmp"),
    *("/opt/cni", "/opt/openstack-paas"),
)
#: Share of the memory that the buffer pool may have. The rest is for connections and the server itself
#: (https://mariadb.com/kb/en/mariadb-memory-allocation/).
_SHARE: Final = 0.8


def volumes_have_folders_of_their_own(context: Context) -> Iterator[Problem]:
    storage = context.settings.storage
    for key, path in (("storage.workerPath", storage.worker_path), ("storage.defaultPath", storage.default_path)):
        if {"", ".", ".."} & set(path.split("/")[1:]):
            rule = "must be a plain path, without .., double slashes or a slash at its end"
            yield Problem(key, path, rule, "simplify it")
        elif inside := [folder for folder in _SYSTEM if f"{path}/".startswith(f"{folder}/")]:
            rule = f"is in {inside[0]}, which belongs to the system"
            yield Problem(key, path, rule, "use a dedicated folder, such as /disks")


def namespace_is_free(context: Context) -> Iterator[Problem]:
    database, key, fix = context.settings.database, "database.namespace", "use another, such as database"
    namespace = database.namespace
    if database.enabled and (namespace in _NAMESPACES or namespace.startswith("kube-")):
        yield Problem(key, namespace, "is Kubernetes' own", fix)
    elif database.enabled and namespace in _OF_ADDONS:
        yield Problem(key, namespace, "is another addon's", fix)


def name_is_free(context: Context) -> Iterator[Problem]:
    database = context.settings.database
    if database.enabled and database.database in _DATABASES:
        yield Problem("database.database", database.database, "is one of MariaDB's own", "use another, such as app")


def buffer_pool_fits_into_memory(context: Context) -> Iterator[Problem]:
    database = context.settings.database
    if database.enabled and size_of(database.buffer_pool) >= size_of(database.memory):
        rule = f"must be less than database.memory, which is {database.memory}"
        fix = f"use half of it, {size_of(database.memory) // 2**21}Mi"
        yield Problem("database.bufferPool", database.buffer_pool, rule, fix, others=("database.memory",))


def buffer_pool_leaves_memory_to_connections(context: Context) -> Iterator[Problem]:
    database = context.settings.database
    if database.enabled and size_of(database.buffer_pool) > _SHARE * size_of(database.memory):
        rule = f"is more than {_SHARE:.0%} of database.memory ({database.memory}): little is left for connections"
        fix = f"use {int(size_of(database.memory) * _SHARE) // 2**20}Mi or less"
        yield Problem("database.bufferPool", database.buffer_pool, rule, fix)


def a_replica_can_acknowledge(context: Context) -> Iterator[Problem]:
    database = context.settings.database
    if database.enabled and database.acknowledge == "always-one-replica" and database.replicas == 0:
        rule = "there is no replica to acknowledge a commit: either the primary alone does, or nobody"
        fix = "use 1 replica or more, preferably 2, or set it to primary"
        yield Problem("database.acknowledge", database.acknowledge, rule, fix, others=("database.replicas",))


def another_replica_can_acknowledge(context: Context) -> Iterator[Problem]:
    database = context.settings.database
    if database.enabled and database.acknowledge == "always-one-replica" and database.replicas == 1:
        rule, fix = "writes stop whenever the only replica is away", "use one-replica, or 2 replicas"
        yield Problem("database.acknowledge", database.acknowledge, rule, fix, others=("database.replicas",))


def nodes_for_pods(settings: PlatformSettings) -> int:
    """Nodes that ordinary pods may run on."""
    workers = sum(len(pool.places) for pool in settings.workers.values() if _takes_pods(pool))
    return workers + (settings.control_planes.count if settings.control_planes.schedulable else 0)


def _takes_pods(pool: WorkerPoolSettings) -> bool:
    """Whether pods without tolerations may run there."""
    return all(taint.endswith(":PreferNoSchedule") for taint in pool.taints)


def a_node_takes_the_database(context: Context) -> Iterator[Problem]:
    settings = context.settings
    unsized = any(pool.count is None and pool.machines is None for pool in settings.workers.values())
    if settings.database.enabled and not nodes_for_pods(settings) and not unsized:
        rule = "no node may run its pods: there are no workers without a taint, and control planes take none"
        fix = "add a worker pool, set controlPlanes.schedulable, or turn the database off"
        yield Problem("database.enabled", "true", rule, fix, others=("workers.*", "controlPlanes.schedulable"))


def a_node_takes_pods(context: Context) -> Iterator[Problem]:
    if not nodes_for_pods(context.settings):
        fix = "add a worker pool or set controlPlanes.schedulable"
        yield Problem("workers", "", "no node takes ordinary pods", fix)


def every_replica_has_a_node(context: Context) -> Iterator[Problem]:
    database, nodes = context.settings.database, nodes_for_pods(context.settings)
    if database.enabled and database.replicas + 1 > nodes:
        on = f"{nodes} node{'s' if nodes > 1 else ''}"
        rule = f"{database.replicas + 1} pods on {on}: losing one node may lose two pods"
        yield Problem("database.replicas", str(database.replicas), rule, f"use {max(nodes - 1, 0)}, or more workers")


def volumes_hold_the_database(context: Context) -> Iterator[Problem]:
    database = context.settings.database
    for name, pool in sorted(context.settings.workers.items()):
        if database.enabled and pool.volume is not None and pool.volume.size_gib * 1024**3 < size_of(database.size):
            rule = f"is less than database.size, which is {database.size}"
            fix = "use more: several volumes may be on one node"
            yield Problem(f"workers.{name}.volume.sizeGib", str(pool.volume.size_gib), rule, fix)


def production_has_a_replica(context: Context) -> Iterator[Problem]:
    database = context.settings.database
    if database.enabled and context.settings.preset == "production" and database.replicas == 0:
        rule = "if the primary is lost, so is the database"
        yield Problem("database.replicas", "0", rule, "use 1 or more")


def production_commits_to_a_replica(context: Context) -> Iterator[Problem]:
    database, preset = context.settings.database, context.settings.preset
    if database.enabled and preset == "production" and database.replicas and database.acknowledge == "primary":
        rule = "commits that no replica has yet are lost with the primary's disk"
        yield Problem("database.acknowledge", "primary", rule, "use one-replica")
