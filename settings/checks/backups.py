"""Backups: when they are taken, where they go, and the secrets for that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from settings.problem import Problem
from settings.rules import Context

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR


def errors(context: Context) -> Iterator[Problem]:
    """Calendars of systemd and cron repeat each hour or each day: an interval must divide one of them."""
    settings = context.settings
    intervals = {
        "backups.etcd.intervalMinutes": settings.backups.etcd.interval_minutes,
        "backups.database.intervalMinutes": settings.backups.database.interval_minutes,
    }
    for key, minutes in intervals.items():
        if not _even(minutes):
            near = min(filter(_even, range(5, _DAY + 1)), key=lambda even: abs(even - minutes))
            yield Problem(key, str(minutes), "must divide an hour, or be hours that divide a day", f"use {near}")


def _even(minutes: int) -> bool:
    return _HOUR % minutes == 0 if minutes < _HOUR else minutes % _HOUR == 0 and _DAY % minutes == 0


def missing_secrets(context: Context) -> Iterator[Problem]:
    """A place for copies needs its secrets."""
    settings, secrets = context.settings, context.secrets
    places = settings.backups.copy_to
    wanted = {
        "backups.copyTo.s3": ("backupS3AccessKey", "backupS3SecretKey") if places.s3 else (),
        "backups.copyTo.sftp": ("backupSftpKey",) if places.sftp else (),
    }
    for key, names in wanted.items():
        for name in names:
            if name not in secrets:
                yield Problem(
                    key,
                    "",
                    f"needs the secret {name}, which the stack does not set",
                    f"`pulumi config set --secret {name}`, with the value on standard input",
                )


def warnings(context: Context) -> Iterator[Problem]:
    """Production without backups, and recipients without copies."""
    settings = context.settings
    backups = settings.backups
    somewhere = bool(backups.copy_to.s3 or backups.copy_to.sftp)
    if settings.preset == "production" and not backups.etcd.enabled:
        yield Problem("backups.etcd.enabled", "false", "what is deleted by mistake is lost", "turn them on")
    if settings.preset == "production" and settings.database.enabled and not backups.database.enabled:
        yield Problem("backups.database.enabled", "false", "what is deleted by mistake is lost", "turn them on")
    if backups.encrypt_to and backups.copy_to.s3 and settings.database.enabled and backups.database.enabled:
        yield Problem(
            "backups.encryptTo",
            "",
            "keeps the database's backups in the cluster: nothing there can encrypt them",
            "copy them yourself, or use a bucket that encrypts instead",
            others=("backups.copyTo.s3",),
        )
    if backups.encrypt_to and not somewhere:
        yield Problem(
            "backups.encryptTo",
            "",
            "encrypts nothing: no copy leaves the machines",
            "set backups.copyTo.s3 or backups.copyTo.sftp",
            others=("backups.copyTo",),
        )
