"""Storage on the workers and the database on it."""

from typing import Annotated

from pydantic import Field, StringConstraints

from settings.model import Section

Quantity = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(Ki|Mi|Gi|Ti)$")]
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]+$")]


class StorageSettings(Section):
    """The local-path provisioner and its StorageClass."""

    class_name: str = "local-path"
    worker_path: AbsolutePath = "/disks"
    """Folder for volumes on every worker."""
    default_path: AbsolutePath = "/opt/local-path-provisioner"
    """Folder on nodes that are no workers."""


class DatabaseSettings(Section):
    """MariaDB: one primary and its replicas."""

    enabled: bool = True
    namespace: str = Field("database", pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")
    name: str = Field("mariadb", pattern=r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$")
    database: str = Field("app", pattern=r"^[a-z][a-z0-9_]{0,62}$")
    replicas: int = Field(1, ge=0, le=8)
    """Replicas besides the primary."""
    size: Quantity = "8Gi"
    memory: Quantity = "512Mi"
    buffer_pool: Quantity = "256Mi"
    """innodb_buffer_pool_size; keep it under `memory`."""
