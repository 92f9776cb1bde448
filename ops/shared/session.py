"""An interactive SSH session: OpenSSH with a configuration of its own, which goes away with the session."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import SshError


def configuration(outputs: Outputs, machine: Machine, folder: Path) -> str:
    """OpenSSH's configuration for one machine, by way of the VIP when it has no address of its own outside."""
    common = [
        f"  User {outputs.ssh_user}",
        f"  IdentityFile {folder}/key",
        "  IdentitiesOnly yes",
        f"  UserKnownHostsFile {folder}/known_hosts",
        "  GlobalKnownHostsFile /dev/null",
        "  StrictHostKeyChecking yes",
        "  ServerAliveInterval 5",
        "  ConnectTimeout 15",
    ]
    lines = [f"Host {machine.name}", f"  HostName {machine.public_address or machine.address}", *common]
    lines += [f"  HostKeyAlias {machine.name}"]
    if not machine.public_address:
        lines += ["  ProxyJump gateway-vip", "Host gateway-vip", f"  HostName {outputs.entry_host}", *common]
        lines += ["  HostKeyAlias gateway-vip"]
    return "\n".join(lines) + "\n"


def known_hosts(outputs: Outputs, machine: Machine) -> str:
    """The host keys that such a session may meet. Raises SshError when the inventory has only fingerprints."""
    entries = {machine.name: machine.host_key}
    if not machine.public_address:
        entries["gateway-vip"] = next((gateway.host_key for gateway in outputs.role("gateway")), "")
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
