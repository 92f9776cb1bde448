"""Backups: when they are taken, where they go, and the secrets for that."""

from collections.abc import Iterator
from typing import Final

from settings.problem import Problem
from settings.rules import Context

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR


def _repeats_each_day(minutes: int) -> bool:
    return _HOUR % minutes == 0 if minutes < _HOUR else minutes % _HOUR == 0 and _DAY % minutes == 0


def intervals_divide_an_hour_or_a_day(context: Context) -> Iterator[Problem]:
    """Calendars of systemd and cron repeat each hour or each day."""
    backups = context.settings.backups
    for kind, minutes in (("etcd", backups.etcd.interval_minutes), ("database", backups.database.interval_minutes)):
        if not _repeats_each_day(minutes):
            near = min(filter(_repeats_each_day, range(5, _DAY + 1)), key=lambda fitting: abs(fitting - minutes))
            rule = "must divide an hour, or be hours that divide a day"
            yield Problem(f"backups.{kind}.intervalMinutes", str(minutes), rule, f"use {near}")


def places_for_copies_have_their_secrets(context: Context) -> Iterator[Problem]:
    places = context.settings.backups.copy_to
    wanted = {
        "backups.copyTo.s3": ("backupS3AccessKey", "backupS3SecretKey") if places.s3 else (),
        "backups.copyTo.sftp": ("backupSftpKey",) if places.sftp else (),
    }
    for key, names in wanted.items():
        for name in names:
            if name not in context.secrets:
                rule = f"needs the secret {name}, which the stack does not set"
                fix = f"`pulumi config set --secret {name}`, with the value on standard input"
                yield Problem(key, "", rule, fix)


def production_has_backups(context: Context) -> Iterator[Problem]:
    settings = context.settings
    off = {
        "backups.etcd.enabled": not settings.backups.etcd.enabled,
        "backups.database.enabled": settings.database.enabled and not settings.backups.database.enabled,
    }
    for key, is_off in off.items():
        if is_off and settings.preset == "production":
            yield Problem(key, "false", "what is deleted by mistake is lost", "turn them on")


def copies_of_the_database_leave_the_cluster(context: Context) -> Iterator[Problem]:
    """Nothing in the cluster can encrypt for a recipient."""
    backups, has_database = context.settings.backups, context.settings.database.enabled
    if backups.encrypt_to and backups.copy_to.s3 and has_database and backups.database.enabled:
        rule = "keeps the database's backups in the cluster: nothing there can encrypt them"
        fix = "copy them yourself, or use a bucket that encrypts instead"
        yield Problem("backups.encryptTo", "", rule, fix, others=("backups.copyTo.s3",))


def there_are_copies_to_encrypt(context: Context) -> Iterator[Problem]:
    backups = context.settings.backups
    if backups.encrypt_to and not (backups.copy_to.s3 or backups.copy_to.sftp):
        rule, fix = "encrypts nothing: no copy leaves the machines", "set backups.copyTo.s3 or backups.copyTo.sftp"
        yield Problem("backups.encryptTo", "", rule, fix, others=("backups.copyTo",))
