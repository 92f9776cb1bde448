"""What a container is made of, as text: LXC's configuration and the machine's own network configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

CGROUP_V2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
# Machines use the host's version of control groups. These options tell their systemd if it is the old one.
LEGACY = "systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1"
INIT = "/sbin/init" if CGROUP_V2 else f"/sbin/init {LEGACY}"
MEMORY_LIMIT = "lxc.cgroup2.memory.max" if CGROUP_V2 else "lxc.cgroup.memory.limit_in_bytes"
DEVICES = "lxc.cgroup2.devices.allow" if CGROUP_V2 else "lxc.cgroup.devices.allow"

# Folders that must not lie on overlayfs (containerd's own overlays, etcd's and databases' files): plain bind mounts.
PLAIN_FOLDERS = ("var/lib/containerd", "var/lib/kubelet", "var/lib/etcd", "opt/local-path-provisioner", "disks")
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Port:
    """One port of a machine: its outer end `tap`, the `bridge` that is plugged into, and its fixed IPv4 addresses."""

    number: int
    tap: str
    bridge: str
    hardware_address: str
    mtu: int
    addresses: tuple[str, ...]

    @property
    def name(self) -> str:
        """The interface's name inside."""
        return f"eth{self.number}"

    @classmethod
    def of(cls, number: int, vif: Any, tap: str, bridge: str) -> "Port":
        """A port from nova's description of it."""
        addresses = [
            f"{ip['address']}/{subnet['cidr'].split('/')[1]}"
            for subnet in vif["network"]["subnets"]
            if subnet["version"] == 4
            for ip in subnet["ips"]
        ]
        mtu = vif["network"].get_meta("mtu") or 1500
        return cls(number, tap, bridge, vif["address"], mtu, tuple(addresses))


def container(state: Path, folder: Path, base: Path, hostname: str, memory: int, ports: Sequence[Port]) -> str:
    """LXC's configuration; `memory` is in MiB."""
    known = {"state": state, "folder": folder, "base": base, "hostname": hostname, "init": INIT}
    text = Template((HERE / "container.conf").read_text()).substitute(known)
    text += f"{MEMORY_LIMIT} = {memory}M\n{DEVICES} = a\n"
    for path in PLAIN_FOLDERS:
        text += f"lxc.mount.entry = {folder}/plain/{path} {path} none bind,create=dir 0 0\n"
    port_text = Template((HERE / "port.conf").read_text())
    for port in ports:
        text += port_text.substitute(vars(port), name=port.name)
    return text if ports else text + "lxc.net.0.type = empty\n"


def interfaces(ports: Sequence[Port]) -> str:
    """/etc/network/interfaces: DHCP on the first port.

    The others get the addresses that nova has for them, no route and no name server, so that a second network without
    a working DHCP server neither delays nor breaks a boot.
    """
    text = "auto lo\niface lo inet loopback\n"
    for port in ports:
        text += f"auto {port.name}\n"
        if port.number == 0:
            text += f"iface {port.name} inet dhcp\n"
        elif port.addresses:
            text += f"iface {port.name} inet static\n    address {port.addresses[0]}\n    mtu {port.mtu}\n"
            for address in port.addresses[1:]:
                text += f"    up ip address add {address} dev {port.name}\n"
        else:
            text += f"iface {port.name} inet manual\n    up ip link set dev {port.name} up\n"
    return text
