"""Snapshots of etcd in a member's desired state: how many, when, and the places that copies go to."""

from collections.abc import Mapping
from typing import Final

from agent.etcd.backup_settings import BackupSettings as DesiredBackups
from agent.etcd.backup_settings import Keep, MemberAddress, Place
from agent.etcd.configuration import COPIES, BackupFiles
from machines.common.packages import COPY_PACKAGES
from machines.common.templates import read_plain, render_template
from settings.backups import BackupSettings, CopySettings
from settings.model import size_of
from settings.plan import PlannedMachine
from settings.platform import Platform

_HOUR, _DAY = 60, 24 * 60
_S3_CA: Final = f"{COPIES}/s3-ca.crt"


def calendar(minutes: int, index: int, count: int) -> str:
    """systemd's OnCalendar for every `minutes`, the members one after another over that time.

    `minutes` divides an hour, or is hours that divide a day.
    """
    offset = index * minutes * 60 // count
    hour, minute, second = offset // 3600, offset // 60 % 60, offset % 60
    if minutes < _HOUR:
        return f"*:{minute:02}/{minutes}:{second:02}"
    if minutes == _HOUR:
        return f"*:{minute:02}:{second:02}"
    hours = f"{hour:02}" if minutes == _DAY else f"{hour:02}/{minutes // _HOUR}"
    return f"{hours}:{minute:02}:{second:02}"


def backup_packages(backups: BackupSettings) -> list[str]:
    """Debian packages for what the settings ask for, and no others."""
    places = _places(backups)
    if not (places.s3 or places.sftp):
        return []
    return list(COPY_PACKAGES if backups.encrypt_to else COPY_PACKAGES[:1])


def desired_backups(platform: Platform, planned: PlannedMachine) -> DesiredBackups:
    """What a member is asked to do about snapshots."""
    backups = platform.settings.backups
    s3, sftp = _places(backups).s3, _places(backups).sftp
    places = []
    if s3:
        places.append(Place("s3", "/".join(part for part in (s3.bucket, s3.prefix, platform.cluster) if part)))
    if sftp:
        places.append(Place("sftp", f"{sftp.folder.rstrip('/')}/{platform.cluster}"))
    return DesiredBackups(
        name=planned.hostname,
        address=planned.address,
        cluster=platform.cluster,
        members=tuple(MemberAddress(member.hostname, member.address) for member in platform.plan.etcd),
        quota_bytes=size_of(platform.settings.etcd.quota),
        interval_minutes=backups.etcd.interval_minutes if backups.etcd.enabled else 0,
        keep=Keep(**backups.etcd.keep.model_dump()),
        places=tuple(places),
        recipients=tuple(backups.encrypt_to) if backups.etcd.enabled else (),
        rclone_file=f"{COPIES}/rclone.conf",
        rclone_options=("--ca-cert", _S3_CA) if s3 and s3.ca_certificate else (),
    )


def backup_files(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> BackupFiles:
    """The timer, and rclone's configuration with what it names.

    `secrets` has those of the places, by their keys in the stack file. They are in files that root alone reads, never
    in arguments.
    """
    backups, members = platform.settings.backups, platform.plan.etcd
    if not backups.etcd.enabled:
        return BackupFiles()
    s3, sftp = backups.copy_to.s3, backups.copy_to.sftp
    rclone = render_template("etcd/rclone.conf.j2", s3=s3, sftp=sftp, secrets=secrets, folder=COPIES)
    when = calendar(backups.etcd.interval_minutes, members.index(planned), len(members))
    host = f"[{sftp.host}]:{sftp.port}" if sftp and sftp.port != 22 else sftp.host if sftp else ""
    return BackupFiles(
        service=read_plain("etcd/backup.service"),
        timer=render_template("etcd/backup.timer.j2", calendar=when),
        rclone=rclone,
        s3_ca=s3.ca_certificate if s3 else "",
        sftp_hosts=f"{host} {sftp.host_key}\n" if sftp else "",
        sftp_key=f"{secrets['backupSftpKey'].rstrip()}\n" if sftp else "",
    )


def _places(backups: BackupSettings) -> CopySettings:
    """Where copies go; nowhere while backups are off."""
    return backups.copy_to if backups.etcd.enabled else CopySettings()
