"""What a member is asked to do about snapshots."""

from dataclasses import dataclass, field
from typing import Final

from agent.etcd.membership import Place

#: rclone's configuration and what it names; for root alone.
FOLDER: Final = "/etc/openstack-paas/etcd-backup"
RCLONE_CONFIG: Final = f"{FOLDER}/rclone.conf"
S3_CA: Final = f"{FOLDER}/s3-ca.crt"
SFTP_KEY: Final = f"{FOLDER}/sftp.key"
SFTP_KNOWN_HOSTS: Final = f"{FOLDER}/sftp.known_hosts"


@dataclass(frozen=True)
class Keep:
    """How many snapshots stay: the last ones, and the newest of each of so many hours, days and weeks."""

    last: int
    hourly: int = 0
    daily: int = 0
    weekly: int = 0


@dataclass(frozen=True)
class CopyPlace:
    """A place off the machine: `name` is the remote in rclone's configuration (s3, sftp), `path` the cluster's folder
    there. Each member has a folder in it."""

    name: str
    path: str


@dataclass(frozen=True)
class BackupFiles:
    """Contents of files; an empty one means that there must be no such file."""

    service: str = ""
    timer: str = ""
    """Without backups both are empty."""
    defragment_service: str = ""
    defragment_timer: str = ""
    rclone_config: str = field(default="", repr=False)
    s3_ca: str = ""
    """The authority of the S3 store, where it is one of its own."""
    sftp_key: str = field(default="", repr=False)
    sftp_known_hosts: str = ""


@dataclass(frozen=True)
class BackupSettings:
    """`name`, `address`: this member's. `members` are all of them, this one included."""

    name: str
    address: str
    cluster: str
    """The cluster's token."""
    members: tuple[Place, ...]
    quota_bytes: int
    interval_minutes: int
    """Between two snapshots by the timer; 0 where it is off."""
    keep: Keep
    places: tuple[CopyPlace, ...] = ()
    recipients: tuple[str, ...] = ()
    """Those of age: with any, what leaves the machine is encrypted."""
    files: BackupFiles = BackupFiles()
