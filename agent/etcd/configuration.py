"""The files of a member: user and folders, certificates, options, the unit with its guard, the timer of the backups."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.etcd.membership import DATA, UNIT, UNIT_FILE
from agent.etcd.network import PKI
from agent.etcd.start import GUARD_FILE, guard
from agent.machine import Machine
from agent.system import files, services

BACKUP_UNIT: Final = "openstack-paas-etcd-backup"
#: rclone's configuration, and what it names.
COPIES: Final = "/etc/openstack-paas/copies"
USER: Final = "etcd:etcd"


@dataclass(frozen=True)
class MemberFiles:
    """Files of this machine, as they have to be."""

    unit: str
    environment: str
    etcdctl_environment: str
    ca: str
    certificate: str
    """The member's, for clients and for peers."""
    key: str = field(repr=False)
    client_certificate: str
    client_key: str = field(repr=False)


@dataclass(frozen=True)
class BackupFiles:
    """The unit and the timer of the backups, and rclone's files by their names in COPIES. Empty without backups."""

    service: str = ""
    timer: str = ""
    rclone: str = field(default="", repr=False)
    s3_ca: str = ""
    sftp_hosts: str = ""
    sftp_key: str = field(default="", repr=False)


def write_configuration(machine: Machine, wanted: MemberFiles, token: str) -> None:
    """The user etcd, its folders, certificates, options and unit."""
    if not machine.run("id", "etcd"):
        options = ("--system", "--user-group", "--no-create-home", "--home-dir", DATA, "--shell", "/usr/sbin/nologin")
        machine.must("useradd", *options, "etcd")
        machine.log("made the user etcd")
    _make_folder(machine.path(DATA), 0o700, USER)
    _make_folder(machine.path(PKI), 0o755)
    files.install(machine, wanted.ca, f"{PKI}/ca.crt")
    files.install(machine, wanted.client_certificate, f"{PKI}/client.crt")
    for name in ("server", "peer"):
        files.install(machine, wanted.certificate, f"{PKI}/{name}.crt")
        files.install(machine, wanted.key, f"{PKI}/{name}.key", 0o400, USER)
    # For people and this program, not for the daemon.
    files.install(machine, wanted.client_key, f"{PKI}/client.key", 0o400)
    files.install(machine, wanted.environment, "/etc/etcd/etcd.env")
    files.install(machine, wanted.etcdctl_environment, "/etc/etcd/etcdctl.env")
    files.install(machine, wanted.unit, UNIT_FILE)
    # It guards the next start of a member that runs, too, and needs no restart for that.
    files.install(machine, guard(token), GUARD_FILE)
    if services.property_of(machine, UNIT, "NeedDaemonReload") == "yes":
        machine.must("systemctl", "daemon-reload")


def _make_folder(path: Path, mode: int, user: str = "") -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    if user:
        owner, _, group = user.partition(":")
        shutil.chown(path, owner, group)


def schedule_backups(machine: Machine, wanted: BackupFiles) -> None:
    """The timer of the backups, or none, and the way to the places of the copies."""
    if not wanted.timer:
        services.disable(machine, f"{BACKUP_UNIT}.timer")
    units = "/etc/systemd/system"
    files.install_or_remove(machine, wanted.service, f"{units}/{BACKUP_UNIT}.service")
    files.install_or_remove(machine, wanted.timer, f"{units}/{BACKUP_UNIT}.timer")
    files.install_or_remove(machine, wanted.s3_ca, f"{COPIES}/s3-ca.crt")
    files.install_or_remove(machine, wanted.sftp_hosts, f"{COPIES}/sftp.known_hosts")
    files.install_or_remove(machine, wanted.sftp_key, f"{COPIES}/sftp.key", 0o400)
    files.install_or_remove(machine, wanted.rclone, f"{COPIES}/rclone.conf", 0o400)
    if wanted.timer:
        services.apply(machine, f"{BACKUP_UNIT}.timer", "restart", [f"{units}/{BACKUP_UNIT}.timer"])
