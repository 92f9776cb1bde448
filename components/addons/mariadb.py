"""MariaDB: one primary and its replicas by our own chart (charts/mariadb)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components.addons.release import AddonArgs, Chart, Namespace, Secret, addon_options, release
from components.password import Password, PasswordArgs, revision
from settings import ports
from settings.backups import S3Settings
from settings.platform import Platform
from settings.versions import MARIADB

#: A path below the program, not an absolute one: it is an input, and must be the same on every machine.
CHART = Chart(str(Path("charts") / "mariadb"))
#: Milliseconds that no wait for a replica ever reaches: a year.
ALWAYS = 365 * 24 * 3600 * 1000


def schedule(minutes: int) -> str:
    """The crontab entry for an interval that divides an hour or a day; not on the hour, when most others run."""
    if minutes < 60:
        return f"*/{minutes} * * * *"
    return "7 * * * *" if minutes == 60 else f"7 */{minutes // 60} * * *" if minutes < 1440 else "7 0 * * *"


def values(platform: Platform, secret: str) -> dict[str, Any]:
    """Values of the chart; `secret` holds the passwords."""
    database, storage = platform.settings.database, platform.settings.storage
    backups = platform.settings.backups.database
    limited = database.acknowledge == "one-replica"
    return {
        "image": {"tag": MARIADB},
        "replicas": database.replicas,
        "database": database.database,
        "replication": {
            "semiSync": database.acknowledge != "primary",
            "semiSyncTimeoutMilliseconds": database.acknowledge_seconds * 1000 if limited else ALWAYS,
        },
        "auth": {"existingSecret": secret},
        "storage": {"size": database.size, "storageClassName": storage.class_name},
        "backups": {
            "enabled": backups.enabled,
            "schedule": schedule(backups.interval_minutes),
            "keep": backups.keep.model_dump(),
            "storage": {"size": backups.size, "storageClassName": storage.class_name},
            **_bucket(platform),
        },
        "server": {"bufferPoolSize": database.buffer_pool.removesuffix("i")},
        "resources": {"requests": {"memory": database.memory}, "limits": {"memory": database.memory}},
    }


def _place(platform: Platform) -> S3Settings | None:
    """The bucket for copies, if any. Nothing in the image encrypts, so none where copies must be encrypted."""
    backups = platform.settings.backups
    return backups.copy_to.s3 if backups.database.enabled and not backups.encrypt_to else None


def _bucket(platform: Platform) -> dict[str, Any]:
    place = _place(platform)
    if place is None:
        return {}
    folder = "/".join(part for part in (place.bucket, place.prefix, platform.cluster, "database") if part)
    secret = f"{platform.settings.database.name}-backup-s3"
    return {"s3": {"endpoint": place.endpoint, "region": place.region, "path": folder, "existingSecret": secret}}


@dataclass(frozen=True)
class MariaDbArgs:
    """The stack file's secrets by their keys, and what all addons need. A password that is missing is generated."""

    secrets: Mapping[str, pulumi.Output[str]]
    addon: AddonArgs


class MariaDb(pulumi.ComponentResource):
    """The database, its namespace and its secret."""

    release: Release
    connection: dict[str, Any]
    """The stack output `database`."""

    def __init__(self, name: str, args: MariaDbArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:addons:MariaDb", name, None, opts)
        platform, secrets, addon = args.addon.platform, args.secrets, args.addon
        database = platform.settings.database
        # Without its passwords a database is as good as lost, and without its namespace it is lost.
        kept = platform.settings.protection.database
        # The SDK passes protection on to the key inside.
        child = pulumi.ResourceOptions(parent=self, protect=kept or None)
        root, replication = (
            Password(name, PasswordArgs(secrets.get(key), database.password_epoch), child)
            for name, key in (
                ("database-root-password", "databaseRootPassword"),
                ("database-replication-password", "databaseReplicationPassword"),
            )
        )
        namespace = Namespace(database.namespace, {}, addon_options(self, addon, protected=kept))
        secret_name = f"{database.name}-passwords"
        secret = Secret(
            secret_name,
            database.namespace,
            {"root-password": root.text, "replication-password": replication.text},
            addon_options(self, addon, namespace, protected=kept),
        )
        needed: list[pulumi.Resource] = [namespace, secret]
        bucket = _place(platform)
        if bucket is not None:
            keys: dict[str, pulumi.Input[str]] = {
                "access-key": secrets["backupS3AccessKey"],
                "secret-key": secrets["backupS3SecretKey"],
                "ca.crt": bucket.ca_certificate,
            }
            options = addon_options(self, addon, namespace, protected=kept)
            needed.append(Secret(f"{database.name}-backup-s3", database.namespace, keys, options))
        chart_values = values(platform, secret_name)
        # An upgrade for other passwords waits until the database has taken them.
        place = f"{platform.cluster}/{database.namespace}/{secret_name}"
        chart_values["auth"]["revision"] = pulumi.Output.all(root.text, replication.text).apply(
            lambda passwords: revision(passwords, place)
        )
        self.release = release(
            database.name,
            CHART,
            addon,
            platform.settings.addons.mariadb,
            database.namespace,
            chart_values,
            addon_options(self, addon, *needed, protected=kept),
            timeout_seconds=600,
        )
        self.connection = {
            "service": f"{database.name}-primary.{database.namespace}.svc.{platform.settings.network.dns_domain}",
            "namespace": database.namespace,
            "primary": f"{database.name}-0",
            "replicas": [f"{database.name}-{i + 1}" for i in range(database.replicas)],
            "port": ports.MARIADB,
            "secret": secret_name,
            "database": database.database,
        }
        self.register_outputs({})
