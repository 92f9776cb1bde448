"""What the inputs of machines.render are made of: plain values that several roles share.

Fields whose name ends in `_key` are secrets: they may land in bundle files marked secret and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    """Another machine: its name and its address on the private network."""

    name: str
    address: str


@dataclass(frozen=True)
class Proxy:
    """HTTP proxies as URLs, empty where there is none; `no_proxy` is the computed list."""

    http: str = ""
    https: str = ""
    no_proxy: tuple[str, ...] = ()


@dataclass(frozen=True)
class AptRepository:
    """One apt source. `key_url` names its signing key; without one it is trusted as it is (a closed site's mirror)."""

    uri: str
    suite: str
    components: tuple[str, ...] = ()
    key_url: str = ""


@dataclass(frozen=True)
class Archive:
    """A release archive for one architecture, by Debian's name for it."""

    architecture: str
    sha256: str
    url: str


@dataclass(frozen=True)
class Packages:
    """Where packages come from and which versions are wanted.

    `debian` replaces the machine's own sources when it is not empty. `etcd_archives` are etcd's release archives, used
    when no apt repository offers the package `etcd` in that version.
    """

    kubernetes: str
    etcd: str
    cni_plugins: str
    debian: tuple[AptRepository, ...] = ()
    repositories: tuple[AptRepository, ...] = ()
    etcd_archives: tuple[Archive, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)
    """Versions of Debian's own packages by name, where they are pinned."""


@dataclass(frozen=True)
class Base:
    """What every machine has: its name, its address on the private network, its packages and proxy.

    `hosts` are all machines, for /etc/hosts. `metadata_open` leaves the metadata address reachable for pods and
    unprivileged users (only for debugging).
    """

    name: str
    address: str
    packages: Packages
    hosts: tuple[Peer, ...] = ()
    proxy: Proxy = field(default_factory=Proxy)
    metadata_open: bool = False
    epoch: str = ""
    """Another word renews all packages once."""


@dataclass(frozen=True)
class KeyPair:
    """A PEM certificate and its PEM private key."""

    certificate: str
    private_key: str


@dataclass(frozen=True)
class Volume:
    """A volume attached to the machine: its id in the cloud and its size in GiB."""

    id: str
    size_gib: int


@dataclass(frozen=True)
class S3Place:
    """A bucket for copies of backups. `ca_certificate` is PEM, empty for the machine's own list of CAs."""

    endpoint: str
    bucket: str
    prefix: str
    region: str
    access_key: str
    secret_key: str
    ca_certificate: str = ""


@dataclass(frozen=True)
class SftpPlace:
    """A machine with SFTP for copies of backups. `host_key` is its kind and public key, `login_key` ours."""

    host: str
    port: int
    user: str
    folder: str
    host_key: str
    login_key: str


@dataclass(frozen=True)
class Backups:
    """How often a member takes a snapshot, how many of them stay, where copies go and for which age recipients."""

    interval_minutes: int = 15
    last: int = 8
    hourly: int = 24
    daily: int = 7
    weekly: int = 4
    s3: S3Place | None = None
    sftp: SftpPlace | None = None
    recipients: tuple[str, ...] = ()
