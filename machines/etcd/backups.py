"""Snapshots of etcd in a member's desired state: what is kept, the timers, and the places that copies go to."""

from collections.abc import Mapping
from typing import Final

from agent.etcd import backup_settings as agent
from agent.etcd.membership import Place
from machines.common.packages import COPY_PACKAGES
from machines.common.templates import read_plain, render_template
from settings.backups import BackupSettings, CopySettings
from settings.model import size_of
from settings.plan import PlannedMachine
from settings.platform import Platform

_HOUR, _DAY = 60, 24 * 60
_SSH: Final = 22


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


def desired_backups(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> agent.BackupSettings:
    """What a member is asked to do about snapshots, also without backups: others are taken before changes.

    `secrets` has those of the places, by their keys in the stack file.
    """
    backups = platform.settings.backups
    s3, sftp = _places(backups).s3, _places(backups).sftp
    places = []
    if s3:
        path = "/".join(part for part in (s3.bucket, s3.prefix, platform.cluster) if part)
        places.append(agent.CopyPlace("s3", path))
    if sftp:
        places.append(agent.CopyPlace("sftp", f"{sftp.folder.rstrip('/')}/{platform.cluster}"))
    return agent.BackupSettings(
        name=planned.hostname,
        address=planned.address,
        cluster=platform.cluster,
        members=tuple(Place(member.hostname, member.address) for member in platform.plan.etcd),
        quota_bytes=size_of(platform.settings.etcd.quota),
        interval_minutes=backups.etcd.interval_minutes if backups.etcd.enabled else 0,
        keep=agent.Keep(**backups.etcd.keep.model_dump()),
        places=tuple(places),
        recipients=tuple(backups.encrypt_to) if backups.etcd.enabled else (),
        files=_files(platform, planned, secrets),
    )


def _files(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> agent.BackupFiles:
    """The units, rclone's configuration and what it names: secrets in files that root alone reads."""
    backups, members = platform.settings.backups, platform.plan.etcd
    places = _places(backups)
    s3, sftp = places.s3, places.sftp
    index, on = members.index(planned), backups.etcd.enabled
    when = calendar(backups.etcd.interval_minutes, index, len(members))
    configuration = render_template("etcd/rclone.conf.j2", s3=s3, sftp=sftp, secrets=secrets, files=agent)
    host = f"[{sftp.host}]:{sftp.port}" if sftp and sftp.port != _SSH else sftp.host if sftp else ""
    return agent.BackupFiles(
        service=read_plain("etcd/backup.service") if on else "",
        timer=render_template("etcd/backup.timer.j2", calendar=when) if on else "",
        defragment_service=read_plain("etcd/defragment.service"),
        defragment_timer=render_template("etcd/defragment.timer.j2", calendar=calendar(_DAY, index, len(members))),
        rclone_config=configuration,
        s3_ca=s3.ca_certificate if s3 else "",
        sftp_key=secrets["backupSftpKey"].rstrip() + "\n" if sftp else "",
        sftp_known_hosts=f"{host} {sftp.host_key}\n" if sftp else "",
    )


def _places(backups: BackupSettings) -> CopySettings:
    """Where copies go; nowhere while backups are off."""
    return backups.copy_to if backups.etcd.enabled else CopySettings()
