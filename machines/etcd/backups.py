"""Snapshots of etcd in a member's bundle: scripts, timer, and the places that copies go to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from machines.common.base import script_file
from machines.common.bundle import File
from machines.parts import Backups, S3Place, SftpPlace
from machines.specs import EtcdSpec
from machines.common.templates import read_unit, render_template

_UNIT: Final = "openstack-paas-etcd-backup"
#: Where the bundle of the step `etcd` lies on the machine; rclone's configuration names files in it.
_FOLDER: Final = "/opt/openstack-paas/etcd"
_COMMANDS: Final = ("etcd/etcd-backup.sh", "etcd/etcd-backups.sh", "etcd/etcd-restore.sh")
_PARTS: Final = ("etcd/snapshot-proof.sh", "etcd/backup-copies.sh", "etcd/backup-record.sh", "etcd/salvage.sh", "etcd/backup-retention.jq")
#: Debian packages that carry copies away and encrypt them.
COPY_PACKAGES: Final = ("rclone", "age")
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


def backup_packages(backups: Backups | None) -> list[str]:
    """Debian packages for what is asked for, and no others."""
    if backups is None or not (backups.s3 or backups.sftp):
        return []
    return list(COPY_PACKAGES if backups.recipients else COPY_PACKAGES[:1])


def backup_settings(spec: EtcdSpec) -> dict[str, str | Sequence[str]]:
    """What the scripts read. PLACES holds "name path", the cluster's folder in each place."""
    backups = spec.backups or Backups()
    places = []
    if backups.s3:
        path = "/".join(part for part in (backups.s3.bucket, backups.s3.prefix, spec.cluster_token) if part)
        places.append(f"s3 {path}")
    if backups.sftp:
        places.append(f"sftp {backups.sftp.folder.rstrip('/')}/{spec.cluster_token}")
    keep = {name: getattr(backups, name) for name in ("last", "hourly", "daily", "weekly")}
    own_ca = bool(backups.s3 and backups.s3.ca_certificate)
    return {
        "BACKUP_MINUTES": str(spec.backups.interval_minutes) if spec.backups else "0",
        "KEEP": json.dumps(keep),
        "PLACES": places,
        "RECIPIENTS": list(backups.recipients),
        "RCLONE_OPTIONS": ["--ca-cert", f"{_FOLDER}/files/s3-ca.crt"] if own_ca else [],
    }


def backup_files(spec: EtcdSpec) -> list[File]:
    """Scripts always; the timer where backups are on: empty files stand for none."""
    backups = spec.backups
    names = [member.name for member in spec.members]
    timer = ""
    if backups:
        when = calendar(backups.interval_minutes, names.index(spec.base.name), len(names))
        timer = render_template("etcd/backup.timer.j2", calendar=when)
    files = [
        *(script_file(path, 0o755) for path in _COMMANDS),
        *map(script_file, _PARTS),
        File(f"files/{_UNIT}.service", read_unit("etcd/backup.service") if backups else ""),
        File(f"files/{_UNIT}.timer", timer),
    ]
    return files + (_places(backups.s3, backups.sftp) if backups else _places(None, None))


def _places(s3: S3Place | None, sftp: SftpPlace | None) -> list[File]:
    """rclone's configuration and what it names: secrets in files that root alone reads, never in arguments.

    The configuration is empty where there is no place.
    """
    configuration = render_template("etcd/rclone.conf.j2", s3=s3, sftp=sftp, folder=f"{_FOLDER}/files")
    files = [File("files/rclone.conf", configuration, 0o400, secret=bool(configuration))]
    if s3 and s3.ca_certificate:
        files.append(File("files/s3-ca.crt", s3.ca_certificate))
    if sftp:
        host = f"[{sftp.host}]:{sftp.port}" if sftp.port != 22 else sftp.host
        files.append(File("files/sftp.known_hosts", f"{host} {sftp.host_key}\n"))
        files.append(File("files/sftp.key", sftp.login_key.rstrip() + "\n", 0o400, secret=True))
    return files
