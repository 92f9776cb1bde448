"""The ways in: `paas kubeconfig`, `paas ssh MACHINE` and `paas logs MACHINE`.

A session is OpenSSH with a configuration of its own, which goes away with the session.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ops.shared import outputs as stack_outputs
from ops.shared.options import add_outputs
from ops.shared.outputs import Machine, Outputs, OutputsError
from ops.shared.ssh import SshError

#: What people look for in a journal, by role.
_UNITS: Final = {
    "gateway": ("haproxy", "keepalived", "openstack-paas-edge-route"),
    "etcd": ("etcd", "openstack-paas-etcd-backup", "openstack-paas-etcd-defragment"),
    "control-plane": ("kubelet", "containerd"),
    "worker": ("kubelet", "containerd", "haproxy"),
}
#: What `pulumi up` did on the machine (agent/machine.py, log).
_STEPS: Final = "openstack-paas"
#: The name of the gateway that holds the VIP in OpenSSH's configuration.
_GATEWAY: Final = "gateway-vip"


def add_kubeconfig(parser: argparse.ArgumentParser) -> None:
    """The options of `paas kubeconfig`."""
    add_outputs(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there instead, for the owner only")
    parser.set_defaults(func=kubeconfig)


def kubeconfig(arguments: argparse.Namespace) -> int:
    """0, after printing it or writing it to a file that only its owner may read. Raises OutputsError."""
    text = stack_outputs.load(arguments.stack, arguments.outputs).kubeconfig
    if arguments.output:
        arguments.output.touch(mode=0o600)
        arguments.output.chmod(0o600)
        arguments.output.write_text(text)
        sys.stderr.write(f"export KUBECONFIG={arguments.output.absolute()}\n")
    else:
        sys.stdout.write(text + "\n")
    return 0


def add_ssh(parser: argparse.ArgumentParser) -> None:
    """The options of `paas ssh`."""
    add_outputs(parser)
    parser.add_argument("machine", nargs="?", default="", help="its name, with or without the cluster's before it")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    parser.set_defaults(func=ssh)


def ssh(arguments: argparse.Namespace) -> int:
    """The exit status of the session; without a machine 0, after a list of all. Raises OutputsError, SshError."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    if arguments.machine:
        return run(outputs, outputs.machine(arguments.machine), arguments.words)
    for machine in outputs.inventory:
        sys.stdout.write(f"{outputs.short(machine):<28} {machine.address:<16} {machine.public_address}".rstrip() + "\n")
    return 0


def add_logs(parser: argparse.ArgumentParser) -> None:
    """The options of `paas logs`."""
    parser.add_argument("machine")
    parser.add_argument("--unit", action="append", default=[], metavar="UNIT", help="of this unit alone (repeatable)")
    parser.add_argument("--lines", type=int, default=100, metavar="NUMBER", help="the last so many (default: 100)")
    parser.add_argument("--follow", action="store_true", help="and those that come, until Ctrl-C")
    add_outputs(parser)
    parser.set_defaults(func=logs)


def logs(arguments: argparse.Namespace) -> int:
    """The exit status of journalctl. Raises OutputsError, SshError."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    machine = outputs.machine(arguments.machine)
    return run(outputs, machine, journal(machine, arguments.unit, arguments.lines, arguments.follow))


def journal(machine: Machine, units: Sequence[str], lines: int, follow: bool) -> list[str]:
    """journalctl's words. Raises OutputsError for a name that no unit has: a shell on the machine reads them."""
    for unit in units:
        if not re.sub("[-.@_]", "", unit).isalnum():
            raise OutputsError(f"{unit}: no unit has such a name")
    words = ["sudo", "journalctl", "--no-pager", "--output=short-iso", f"--lines={lines}"]
    words += ["--follow"] if follow else []
    matches: list[str] = [] if units else [f"SYSLOG_IDENTIFIER={_STEPS}"]
    for unit in units or _UNITS.get(machine.role, ()):
        name = unit if "." in unit else f"{unit}.service"
        # Its own lines, and systemd's about it.
        matches += [f"_SYSTEMD_UNIT={name}", f"UNIT={name}"]
    # Different fields must match together, unless there is a plus between them.
    return words + " + ".join(matches).split()


def configuration(outputs: Outputs, machine: Machine, folder: Path) -> str:
    """OpenSSH's configuration for one machine, by way of the VIP when it has no address of its own outside."""
    common = [
        f"User {outputs.ssh_user}",
        f"IdentityFile {folder}/key",
        "IdentitiesOnly yes",
        f"UserKnownHostsFile {folder}/known_hosts",
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        "ServerAliveInterval 5",
        "ConnectTimeout 15",
    ]
    hosts = {machine.name: [f"HostName {machine.public_address or machine.address}"]}
    if not machine.public_address:
        hosts[machine.name].append(f"ProxyJump {_GATEWAY}")
        hosts[_GATEWAY] = [f"HostName {outputs.entry_host}"]
    sections = ([f"Host {name}", f"HostKeyAlias {name}", *own, *common] for name, own in hosts.items())
    return "".join("\n  ".join(section) + "\n" for section in sections)


def known_hosts(outputs: Outputs, machine: Machine) -> str:
    """The host keys that such a session may meet. Raises SshError when the inventory has only fingerprints."""
    entries = {machine.name: machine.host_key}
    if not machine.public_address:
        entries[_GATEWAY] = next((gateway.host_key for gateway in outputs.role("gateway")), "")
    missing = [name for name, key in entries.items() if not key]
    if missing:
        raise SshError(f"the inventory has no host key of {', '.join(missing)}")
    return "".join(f"{name} {key.strip()}\n" for name, key in entries.items())


def run(outputs: Outputs, machine: Machine, command: list[str]) -> int:
    """Opens a shell on the machine, or runs a command there; returns its exit status."""
    if not shutil.which("ssh"):
        raise SshError("the program ssh is not installed")
    with tempfile.TemporaryDirectory(prefix="openstack-paas-ssh-") as name:
        folder = Path(name)
        for file, content in {
            "key": outputs.ssh_private_key.rstrip() + "\n",
            "known_hosts": known_hosts(outputs, machine),
            "config": configuration(outputs, machine, folder),
        }.items():
            (folder / file).touch(mode=0o600)
            (folder / file).write_text(content)
        return subprocess.run(["ssh", "-F", str(folder / "config"), machine.name, *command], check=False).returncode
