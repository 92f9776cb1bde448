"""Storage on the workers and the database on it."""

from pydantic import Field

from settings.model import AbsolutePath, Quantity, Section


class StorageSettings(Section):
    """The local-path provisioner and its StorageClass."""

    class_name: str = Field("local-path", pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")
    """Name of the StorageClass, the cluster's default."""
    worker_path: AbsolutePath = "/disks"
    """Folder for volumes on every worker."""
    default_path: AbsolutePath = "/opt/local-path-provisioner"
    """Folder on nodes that are no workers."""


class DatabaseSettings(Section):
    """MariaDB: one primary and its replicas."""

    enabled: bool = True
    """Whether there is a database."""
    namespace: str = Field("database", pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")
    """Its namespace."""
    name: str = Field("mariadb", pattern=r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$")
    """Name of the release and of the pods."""
    database: str = Field("app", pattern=r"^[a-z][a-z0-9_]{0,62}$")
    """The database that is created in it."""
    replicas: int = Field(1, ge=0, le=8)
    """Replicas besides the primary."""
    size: Quantity = "8Gi"
    """Volume of each pod. It cannot change while the database lives."""
    memory: Quantity = "512Mi"
    """Memory of each pod, requested and limited."""
    buffer_pool: Quantity = "256Mi"
    """innodb_buffer_pool_size; well under `memory`."""
