"""Snapshots of etcd in a member's bundle: scripts, timer, and the places that copies go to."""

import json
from collections.abc import Mapping
from typing import Final

from machines.common.bundle import File, ScriptSettings, script_file
from machines.common.packages import COPY_PACKAGES
from machines.common.templates import read_plain, render_template
from settings.backups import BackupSettings, CopySettings
from settings.plan import PlannedMachine
from settings.platform import Platform

_UNIT: Final = "openstack-paas-etcd-backup"
#: Where the bundle of the step `etcd` lies on the machine; rclone's configuration names files in it.
_FOLDER: Final = "/opt/openstack-paas/etcd"
#: What people and `python -m ops` call on machines.
_COMMANDS: Final = ("etcd/etcd-backup.sh", "etcd/etcd-backups.sh", "etcd/etcd-restore.sh")
_PARTS: Final = (
    "etcd/snapshot-proof.sh",
    "etcd/backup-copies.sh",
    "etcd/backup-record.sh",
    "etcd/salvage.sh",
    "etcd/backup-retention.jq",
)
_HOUR, _DAY = 60, 24 * 60


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


def backup_settings(platform: Platform) -> ScriptSettings:
    """What the scripts read. PLACES holds "name path", the cluster's folder in each place."""
    backups = platform.settings.backups
    s3, sftp = _places(backups).s3, _places(backups).sftp
    places = []
    if s3:
        places.append(f"s3 {'/'.join(part for part in (s3.bucket, s3.prefix, platform.cluster) if part)}")
    if sftp:
        places.append(f"sftp {sftp.folder.rstrip('/')}/{platform.cluster}")
    return {
        "BACKUP_MINUTES": str(backups.etcd.interval_minutes) if backups.etcd.enabled else "0",
        "KEEP": json.dumps(backups.etcd.keep.model_dump()),
        "PLACES": places,
        "RECIPIENTS": list(backups.encrypt_to) if backups.etcd.enabled else [],
        "RCLONE_OPTIONS": ["--ca-cert", f"{_FOLDER}/files/s3-ca.crt"] if s3 and s3.ca_certificate else [],
    }


def backup_files(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> list[File]:
    """Scripts always; the timer where backups are on: an empty file means that none must exist.

    `secrets` has those of the places, by their keys in the stack file.
    """
    backups, members = platform.settings.backups, platform.plan.etcd
    timer = ""
    if backups.etcd.enabled:
        when = calendar(backups.etcd.interval_minutes, members.index(planned), len(members))
        timer = render_template("etcd/backup.timer.j2", calendar=when)
    return [
        *(script_file(path, 0o755) for path in _COMMANDS),
        *map(script_file, _PARTS),
        File(f"files/{_UNIT}.service", read_plain("etcd/backup.service") if timer else ""),
        File(f"files/{_UNIT}.timer", timer),
        *_place_files(_places(backups), secrets),
    ]


def _places(backups: BackupSettings) -> CopySettings:
    """Where copies go; nowhere while backups are off."""
    return backups.copy_to if backups.etcd.enabled else CopySettings()


def _place_files(places: CopySettings, secrets: Mapping[str, str]) -> list[File]:
    """rclone's configuration and what it names: secrets in files that root alone reads, never in arguments.

    Without a place the configuration is empty.
    """
    s3, sftp = places.s3, places.sftp
    configuration = render_template("etcd/rclone.conf.j2", s3=s3, sftp=sftp, secrets=secrets, folder=f"{_FOLDER}/files")
    files = [File("files/rclone.conf", configuration, 0o400, secret=bool(configuration))]
    if s3 and s3.ca_certificate:
        files.append(File("files/s3-ca.crt", s3.ca_certificate))
    if sftp:
        host = f"[{sftp.host}]:{sftp.port}" if sftp.port != 22 else sftp.host
        files.append(File("files/sftp.known_hosts", f"{host} {sftp.host_key}\n"))
        files.append(File("files/sftp.key", secrets["backupSftpKey"].rstrip() + "\n", 0o400, secret=True))
    return files
