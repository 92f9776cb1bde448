"""The timers of snapshots and of defragmentation, and the configuration of rclone."""

from typing import Final

from agent.etcd.backup_settings import FOLDER, RCLONE_CONFIG, S3_CA, SFTP_KEY, SFTP_KNOWN_HOSTS, BackupFiles
from agent.machine import Machine
from agent.system import files, services

_UNITS: Final = "/etc/systemd/system"


def schedule_backups(machine: Machine, wanted: BackupFiles) -> None:
    """Puts the timers and the configuration in place, or removes them."""
    if wanted.rclone_config:
        files.make_folder(machine.path(FOLDER))
        machine.path(FOLDER).chmod(0o700)
    # What the configuration names comes before it.
    files.install_or_remove(machine, wanted.s3_ca, S3_CA, 0o400)
    files.install_or_remove(machine, wanted.sftp_key, SFTP_KEY, 0o400)
    files.install_or_remove(machine, wanted.sftp_known_hosts, SFTP_KNOWN_HOSTS, 0o400)
    files.install_or_remove(machine, wanted.rclone_config, RCLONE_CONFIG, 0o400)
    _schedule(machine, "openstack-paas-etcd-backup", wanted.service, wanted.timer)
    _schedule(machine, "openstack-paas-etcd-defragment", wanted.defragment_service, wanted.defragment_timer)


def _schedule(machine: Machine, unit: str, service: str, timer: str) -> None:
    if not timer:
        services.disable(machine, f"{unit}.timer")
    files.install_or_remove(machine, service, f"{_UNITS}/{unit}.service")
    files.install_or_remove(machine, timer, f"{_UNITS}/{unit}.timer")
    # The timer's own look (services.apply) says nothing about what it starts.
    if services.property_of(machine, f"{unit}.service", "NeedDaemonReload") == "yes":
        machine.must("systemctl", "daemon-reload")
    if timer:
        services.apply(machine, f"{unit}.timer", "restart", [f"{_UNITS}/{unit}.timer"])
