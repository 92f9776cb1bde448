"""What a member is asked to do about snapshots."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Keep:
    """How many snapshots stay: the last ones, and the newest of each of so many hours, days and weeks."""

    last: int
    hourly: int = 0
    daily: int = 0
    weekly: int = 0


@dataclass(frozen=True)
class Place:
    """A place off the machine: `name` is the remote in rclone's configuration (s3, sftp), `path` the cluster's folder
    there. Each member has a folder in it."""

    name: str
    path: str


@dataclass(frozen=True)
class MemberAddress:
    """One member of etcd by the settings."""

    name: str
    address: str


@dataclass(frozen=True)
class BackupSettings:
    """`name`, `address`: this member's. `members` are all of them, this one included."""

    name: str
    address: str
    cluster: str
    """The cluster's token."""
    members: tuple[MemberAddress, ...]
    quota_bytes: int
    interval_minutes: int
    """Between two snapshots by the timer; 0 where it is off."""
    keep: Keep
    places: tuple[Place, ...] = ()
    recipients: tuple[str, ...] = ()
    """Those of age: with any, what leaves the machine is encrypted."""
    rclone_file: str = "/etc/openstack-paas/copies/rclone.conf"
    """rclone's configuration. It holds the secrets of the places."""
    rclone_options: tuple[str, ...] = ()
