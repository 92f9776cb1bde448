"""Checks whether the lab can run on this host and names every reason why not."""

import ipaddress
import json
import os
import platform
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dev.errors import DevError
from dev.lab import network, ownership, places, processes
from dev.lab.command import ip
from dev.lab.teardown import veth_names

GIBIBYTE = 2**30
WILDCARDS = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket."""

    address: str
    port: int
    process: int
    program: str
    ours: bool


@dataclass(frozen=True)
class Facts:
    """The state of the host. Memory and disk are in GiB; `routes` are destination and interface."""

    user: int
    system: str
    version: str
    memory: float
    disk: float
    disk_of: str
    installed: bool
    ours: bool
    listeners: tuple[Listener, ...] = ()
    links: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    filesystems: frozenset[str] = frozenset({"overlay"})


@dataclass(frozen=True)
class Requirements:
    """GiB needed. The lab with ten machines, the smallest production platform, uses 12 of memory and 30 of disk.

    LAB_MINIMUM_MEMORY and LAB_MINIMUM_DISK (GiB) change these limits.
    """

    memory: float = 16
    disk: float = 30
    disk_when_installed: float = 5

    @classmethod
    def from_environment(cls) -> "Requirements":
        """The defaults, unless the environment overrides them."""
        memory = float(os.environ.get("LAB_MINIMUM_MEMORY", cls.memory))
        disk = float(os.environ.get("LAB_MINIMUM_DISK", cls.disk))
        return cls(memory, disk, min(disk, cls.disk_when_installed))


def check(facts: Facts, requirements: Requirements) -> None:
    """Raise DevError with every problem, if there is one."""
    found = problems(facts, requirements)
    if found:
        raise DevError("the lab cannot run here:" + "".join(f"\n  - {problem}" for problem in found))


def problems(facts: Facts, requirements: Requirements) -> list[str]:
    """Every reason why the lab cannot run here."""
    found = []
    if facts.user != 0:
        found.append("it must run as root: it makes network namespaces, bridges and containers")
    if (facts.system, facts.version) != ("debian", "12"):
        found.append(
            f"it needs Debian 12, whose OpenStack packages it runs; this is {facts.system} {facts.version}".rstrip()
        )
    # A machine sold with 16 GiB reports a little less, because firmware and kernel reserve some.
    if not facts.installed and facts.memory < requirements.memory * 0.96:
        found.append(
            f"it needs {requirements.memory:.0f} GiB of memory; this host has {facts.memory:.1f} "
            "(LAB_MINIMUM_MEMORY changes the limit)"
        )
    disk = requirements.disk_when_installed if facts.installed else requirements.disk
    if facts.disk < disk:
        found.append(
            f"it needs {disk:.0f} GiB free under {facts.disk_of}; this host has {facts.disk:.1f} "
            "(LAB_MINIMUM_DISK changes the limit)"
        )
    if "overlay" not in facts.filesystems:
        found.append("the kernel has no overlay file system, which the machines need")
    found += _taken_ports(facts.listeners)
    if not facts.ours:
        found += _taken_names(facts)
    return found


def _taken_ports(listeners: tuple[Listener, ...]) -> list[str]:
    found = []
    for address, port in ((address, port) for address, ports in places.LISTENERS.items() for port in ports):
        taken = [one for one in listeners if one.port == port and one.address in (address, *WILDCARDS) and not one.ours]
        for one in taken[:1]:
            by = f"{one.program or 'another program'} (process {one.process})" if one.process else "another program"
            found.append(f"port {port} on {address} is in use by {by}, which listens on {one.address}")
    return found


def _taken_names(facts: Facts) -> list[str]:
    """Names and networks that are in use although the lab has made nothing since this host started."""
    wanted = {places.EXTERNAL_BRIDGE, places.UNDERLAY_BRIDGE, *veth_names()}
    found = [f"interface {name} exists, and the lab did not make it" for name in facts.links if name in wanted]
    hosts = {host.name for host in places.HOSTS}
    for name in facts.namespaces:
        if name in hosts:
            found.append(f"network namespace {name} exists, and the lab did not make it")
        elif name.startswith(("qrouter-", "qdhcp-")):
            found.append(
                f"network namespace {name} belongs to another OpenStack; the lab's network agents would remove it"
            )
    routes = [(destination, interface) for destination, interface in facts.routes if destination not in ("", "default")]
    for ours in map(ipaddress.ip_network, (places.EXTERNAL_NETWORK, places.UNDERLAY_NETWORK)):
        for destination, interface in routes:
            if ours.overlaps(ipaddress.ip_network(destination, strict=False)):
                found.append(f"the network {ours} overlaps {destination}, which is routed to {interface}")
    return found


def gather(installed: bool) -> Facts:
    """Collect the facts about this host."""
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    folder = places.STATE
    while not folder.exists():
        folder = folder.parent
    root = os.geteuid() == 0
    return Facts(
        user=os.geteuid(),
        system=release.get("ID", "unknown"),
        version=release.get("VERSION_ID", ""),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE,
        disk=shutil.disk_usage(folder).free / GIBIBYTE,
        disk_of=str(folder),
        installed=installed,
        ours=root and ownership.ours(),
        listeners=tuple(_listeners()) if root else (),
        links=tuple(network.links()) if shutil.which("ip") else (),
        namespaces=tuple(network.namespaces()),
        routes=tuple(_routes()) if shutil.which("ip") else (),
        filesystems=frozenset(line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()),
    )


def _routes() -> list[tuple[str, str]]:
    return [(route.get("dst", ""), route.get("dev", "")) for route in json.loads(ip("-json -4 route") or "[]")]


def _listeners() -> list[Listener]:
    """Sockets that listen on a port the lab needs, from /proc/net/tcp and tcp6, with their processes."""
    wanted = {port for ports in places.LISTENERS.values() for port in ports}
    found: dict[str, tuple[str, int]] = {}
    for table, parse in (("tcp", ipv4), ("tcp6", ipv6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            local, _, number = columns[1].partition(":")
            if columns[3] == "0A" and int(number, 16) in wanted:
                found[columns[9]] = (parse(local), int(number, 16))
    owners = _owners(set(found)) if found else {}
    listeners = []
    for inode, (address, port) in found.items():
        owner = owners.get(inode, 0)
        listeners.append(Listener(address, port, owner, processes.program(owner), processes.is_marked(owner)))
    return listeners


def ipv4(text: str) -> str:
    """An address in the form of /proc/net/tcp."""
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(text)))


def ipv6(text: str) -> str:
    """An address in the form of /proc/net/tcp6. Only "any" matters: the lab has no other IPv6 address."""
    return "::" if set(text) == {"0"} else text


def _owners(inodes: set[str]) -> dict[str, int]:
    owners: dict[str, int] = {}
    for number in processes.numbers():
        with suppress(OSError):
            for descriptor in Path(f"/proc/{number}/fd").iterdir():
                inode = str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]")
                if inode in inodes:
                    owners.setdefault(inode, number)
    return owners
