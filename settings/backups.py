"""Backups: how often they are taken, how many are kept, and where copies go."""

from typing import Annotated

from pydantic import Field

from settings.mirrors import HttpUrl
from settings.model import AbsolutePath, Quantity, Section, Whole, text

#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
Bucket = Annotated[
    str,
    text(
        r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "must be 3 to 63 lower-case letters, digits, dots and dashes, a letter or digit first and last",
        "write the name of the bucket alone",
    ),
]
Prefix = Annotated[
    str,
    text(
        r"^([A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*)?$",
        "must be words of letters, digits, dots, dashes and underscores with slashes between them",
        "write it as backups/paas, without a slash first or last",
    ),
]
Region = Annotated[
    str,
    text(r"^[A-Za-z0-9][A-Za-z0-9-]{0,62}$", "must be letters, digits and dashes", "write it as us-east-1"),
]
Pem = Annotated[
    str,
    text(
        r"^(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s-]+-----END CERTIFICATE-----\s*)?$",
        "must be PEM certificates as text",
        "write its lines below the key, after a |",
    ),
]
HostName = Annotated[
    str,
    text(
        r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$",
        "must be a host name or an IPv4 address",
        "write it without user, port or scheme",
    ),
]
LoginName = Annotated[
    str,
    text(
        r"^[a-z_][a-z0-9_-]{0,31}$",
        "must be a user's name of at most 32 lower-case letters, digits, dashes and underscores",
        "write it as backup",
    ),
]
HostKey = Annotated[
    str,
    text(
        r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+=*$",
        "must be the kind and the public key in base 64",
        "take it from `ssh-keyscan HOST`, without the host's name",
    ),
]
#: https://github.com/C2SP/C2SP/blob/main/age.md: Bech32 of an X25519 public key.
Recipient = Annotated[
    str,
    text(
        r"^age1[02-9ac-hj-np-z]{58}$",
        "must be an age recipient: age1 and 58 characters",
        "take the public key that `age-keygen` prints",
    ),
]


class S3Settings(Section):
    """A bucket of an S3-compatible store. Its keys are the secrets `backupS3AccessKey` and `backupS3SecretKey`."""

    endpoint: HttpUrl
    """URL of the store."""
    bucket: Bucket
    """The bucket. It must exist."""
    prefix: Prefix = ""
    """Folder in the bucket. The cluster's name is appended."""
    region: Region = "us-east-1"
    """Its region. Most self-hosted stores accept any."""
    ca_certificate: Pem = ""
    """CA of the store's certificate, in PEM. Empty: the CAs that the machines trust anyway."""


class SftpSettings(Section):
    """An SFTP server. Its private key is the secret `backupSftpKey`."""

    host: HostName
    """The server's name or address."""
    port: Whole = Field(22, ge=1, le=65535)
    """Its SSH port."""
    user: LoginName
    """The user that logs in there."""
    folder: AbsolutePath
    """The folder. It must exist. The cluster's name is appended."""
    host_key: HostKey
    """The server's public host key. It is verified."""


class CopySettings(Section):
    """Where copies of backups go: to one place, to both, or to none."""

    s3: S3Settings | None = None
    """A bucket of an S3-compatible store."""
    sftp: SftpSettings | None = None
    """An SFTP server."""


class KeepSettings(Section):
    """How many backups are kept. A backup stays as long as one of these rules keeps it."""

    last: Whole = Field(8, ge=1, le=1000)
    """The latest ones, whatever their age."""
    hourly: Whole = Field(24, ge=0, le=1000)
    """The newest of each of the last so many hours that have one."""
    daily: Whole = Field(7, ge=0, le=1000)
    """The newest of each of so many days that have one."""
    weekly: Whole = Field(4, ge=0, le=1000)
    """The newest of each of so many weeks that have one."""


class EtcdBackupSettings(Section):
    """Snapshots of etcd. Every member takes its own, one after another, and verifies each by restoring it."""

    enabled: bool = True
    """Whether backups are taken."""
    interval_minutes: Whole = Field(15, ge=5, le=1440)
    """How often each member takes one. It must divide an hour, or be hours that divide a day."""
    keep: KeepSettings = KeepSettings()
    """How many are kept on each member and in each other place."""


class DatabaseBackupSettings(Section):
    """Dumps of MariaDB. They are taken from a replica where there is one, onto their own volume in the cluster."""

    enabled: bool = True
    """Whether backups are taken."""
    interval_minutes: Whole = Field(60, ge=5, le=1440)
    """How often one is taken. It must divide an hour, or be hours that divide a day."""
    keep: KeepSettings = KeepSettings()
    """How many are kept."""
    size: Quantity = "8Gi"
    """Size of their volume. It cannot change while the database exists."""


class BackupSettings(Section):
    """Backups, and where copies of them go."""

    etcd: EtcdBackupSettings = EtcdBackupSettings()
    """Snapshots of etcd."""
    database: DatabaseBackupSettings = DatabaseBackupSettings()
    """Dumps of the database."""
    copy_to: CopySettings = CopySettings()
    """Where copies go: etcd's snapshots to each place, the database's dumps to `s3`."""
    encrypt_to: tuple[Recipient, ...] = ()
    """age recipients: copies that leave the machines are encrypted, and only an identity of one of these can read them.

    You keep the identity. If you lose it, those copies are lost.
    """
