"""Backups: how often, how many are kept, and where they go off the machine."""

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
    """The bucket; it must be there."""
    prefix: Prefix = ""
    """Folder in it; the cluster's name follows."""
    region: Region = "us-east-1"
    """Its region; stores of one's own mostly take any."""
    ca_certificate: Pem = ""
    """CA of the store's certificate in PEM; the machines' own list of CAs when empty."""


class SftpSettings(Section):
    """A machine with SFTP. The private key for it is the secret `backupSftpKey`."""

    host: HostName
    """The machine."""
    port: Whole = Field(22, ge=1, le=65535)
    """Its SSH port."""
    user: LoginName
    """Who logs in there."""
    folder: AbsolutePath
    """The folder; it must be there, and the cluster's name follows."""
    host_key: HostKey
    """The machine's public host key, which is verified."""


class CopySettings(Section):
    """Where backups go off the machines: to one place, to both, or to none."""

    s3: S3Settings | None = None
    """A bucket of an S3-compatible store."""
    sftp: SftpSettings | None = None
    """Another machine by SSH."""


class KeepSettings(Section):
    """How many backups stay: whatever one of these tiers keeps."""

    last: Whole = Field(8, ge=1, le=1000)
    """The last ones, whatever their age."""
    hourly: Whole = Field(24, ge=0, le=1000)
    """The newest of each of so many hours that have one."""
    daily: Whole = Field(7, ge=0, le=1000)
    """The newest of each of so many days."""
    weekly: Whole = Field(4, ge=0, le=1000)
    """The newest of each of so many weeks."""


class EtcdBackupSettings(Section):
    """Snapshots of etcd: every member takes its own, one after another, and proves each by restoring it."""

    enabled: bool = True
    """Whether there are any."""
    interval_minutes: Whole = Field(15, ge=5, le=1440)
    """How often each member takes one: a part of an hour, or hours that are a part of a day."""
    keep: KeepSettings = KeepSettings()
    """How many stay on each member and in each other place."""


class DatabaseBackupSettings(Section):
    """Dumps of MariaDB, from a replica where there is one, onto a volume of their own in the cluster."""

    enabled: bool = True
    """Whether there are any."""
    interval_minutes: Whole = Field(60, ge=5, le=1440)
    """How often one is taken: a part of an hour, or hours that are a part of a day."""
    keep: KeepSettings = KeepSettings()
    """How many stay."""
    size: Quantity = "8Gi"
    """The volume for them. It cannot change while the database lives."""


class BackupSettings(Section):
    """Backups, and where they go off the machine."""

    etcd: EtcdBackupSettings = EtcdBackupSettings()
    """Snapshots of etcd."""
    database: DatabaseBackupSettings = DatabaseBackupSettings()
    """Dumps of the database."""
    copy_to: CopySettings = CopySettings()
    """Where copies go off the machines: etcd's snapshots to each place, the database's dumps to `s3`."""
    encrypt_to: tuple[Recipient, ...] = ()
    """age recipients: copies that leave the machines can then be read only with an identity of one of them.

    The identity stays with you. Lost, those copies are lost.
    """
