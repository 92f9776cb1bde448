"""Storage on the workers, and the database that uses it."""

from typing import Annotated, Literal

from pydantic import Field

from settings.certificates import Epoch
from settings.model import AbsolutePath, Quantity, Section, Whole, label, text

#: RFC 1123 subdomain, as Kubernetes wants names of StorageClasses.
StorageClassName = Annotated[
    str,
    text(
        r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){0,3}$",
        "must be lower-case letters, digits and dashes, with dots between such words",
        "write it as local-path",
    ),
]
Namespace = Annotated[str, label(63, "choose another namespace")]
#: Short: the pods' host names add their number and the service's name to it.
ReleaseName = Annotated[str, label(32, "choose another name")]
DatabaseName = Annotated[
    str,
    text(
        r"^[a-z][a-z0-9_]{0,62}$",
        "must be 1 to 63 lower-case letters, digits and underscores, a letter first",
        "choose another name",
    ),
]


class StorageSettings(Section):
    """The local-path provisioner and its StorageClass."""

    class_name: StorageClassName = "local-path"
    """Name of the StorageClass, which is the cluster's default. It cannot change while the database exists."""
    worker_path: AbsolutePath = "/disks"
    """Folder for volumes on every worker."""
    default_path: AbsolutePath = "/opt/local-path-provisioner"
    """Folder on control planes."""


class DatabaseSettings(Section):
    """MariaDB: one primary and its replicas."""

    enabled: bool = True
    """Whether the database is installed."""
    namespace: Namespace = "database"
    """Its namespace."""
    name: ReleaseName = "mariadb"
    """Name of the release and of the pods."""
    database: DatabaseName = "app"
    """The database that is created on the server."""
    replicas: Whole = Field(1, ge=0, le=8)
    """Replicas besides the primary."""
    password_epoch: Epoch = ""
    """A new word here creates new passwords where the stack's secrets set none. The running database adopts them."""
    acknowledge: Literal["primary", "one-replica", "always-one-replica"] = "one-replica"
    """Who must have a commit on disk before the client gets its answer. Without replicas it is the primary alone.

    `one-replica` waits for a replica, for `acknowledgeSeconds` at most. After that, commits go on without one until a
    replica has caught up. `always-one-replica` waits as long as it takes: without a replica, writes stop.
    """
    acknowledge_seconds: Whole = Field(10, ge=1, le=3600)
    """How long `one-replica` waits for a replica."""
    size: Quantity = "8Gi"
    """Volume size of each pod. It cannot change while the database exists."""
    memory: Quantity = "512Mi"
    """Memory of each pod, requested and limited."""
    buffer_pool: Quantity = "256Mi"
    """innodb_buffer_pool_size. It must be well below `memory`."""
