"""The files of a member: user and folders, certificates, options, the unit with its guard."""

import os
from dataclasses import dataclass, field
from typing import Final

from agent.etcd.membership import DATA, UNIT, UNIT_FILE
from agent.etcd.network import PKI
from agent.etcd.start import GUARD_FILE, guard
from agent.machine import Machine
from agent.system import files, services

USER: Final = "etcd:etcd"


@dataclass(frozen=True)
class MemberFiles:
    """Files of this machine, as they have to be."""

    unit: str
    environment: str
    etcdctl_environment: str
    ca: str
    certificate: str  # The member's, for clients and for peers.
    key: str = field(repr=False)
    client_certificate: str
    client_key: str = field(repr=False)


def write_configuration(machine: Machine, wanted: MemberFiles, token: str) -> None:
    """The user etcd, its folders, certificates, options and unit."""
    if not machine.run("id", "etcd"):
        options = ("--system", "--user-group", "--no-create-home", "--home-dir", DATA, "--shell", "/usr/sbin/nologin")
        machine.must("useradd", *options, "etcd")
        machine.log("made the user etcd")
    for path, mode, owner in ((DATA, 0o700, USER), (PKI, 0o755, "")):
        folder = machine.path(path)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
        os.chown(folder, *files.ids(owner))
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
