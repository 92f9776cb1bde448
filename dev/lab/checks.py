"""Checks whether the lab can run on this host and names every reason why not."""

import ipaddress
import json
import os
import platform
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dev.errors import DevError
from dev.lab import network, ownership, places, processes, services
from dev.lab.command import ip
from dev.lab.teardown import lab_namespaces, veth_names

GIBIBYTE = 2**30
# GiB needed. The lab with ten machines, the smallest production platform, uses 12 of memory and 30 of disk.
# The environment's LAB_MINIMUM_MEMORY and LAB_MINIMUM_DISK change these limits.
MEMORY, DISK, DISK_WHEN_INSTALLED = 16, 30, 5
# Seconds that a killed process may take to disappear and close its sockets.
DYING_LIMIT = 15
WILDCARDS = ("0.0.0.0", "::")
# Addresses and ports that must be free, or in use by the lab itself, before the lab starts.
LISTENERS = (
    *((service.address, service.port) for service in services.ALL if service.port),
    (places.UNDERLAY_ADDRESS, places.PORTS.metadata),  # nova-api's second port
    ("127.0.0.1", places.PORTS.rabbitmq_distribution),
)


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


def check(installed: bool) -> None:
    """Raise DevError with every problem. A lab that was just killed still holds its ports: it gets a while to end."""
    deadline = time.monotonic() + DYING_LIMIT
    while found := problems(gather(installed)):
        if not ownership.ours() or time.monotonic() > deadline:
            raise DevError("the lab cannot run here:" + "".join(f"\n  - {problem}" for problem in found))
        time.sleep(0.3)


def problems(facts: Facts) -> list[str]:
    """Every reason why the lab cannot run here."""
    memory = float(os.environ.get("LAB_MINIMUM_MEMORY", MEMORY))
    disk = float(os.environ.get("LAB_MINIMUM_DISK", DISK))
    if facts.installed:
        disk = min(disk, DISK_WHEN_INSTALLED)
    found = []
    if facts.user != 0:
        found.append("it must run as root: it makes network namespaces, bridges and containers")
    if (facts.system, facts.version) != ("debian", "12"):
        found.append(
            f"it needs Debian 12, whose OpenStack packages it runs; this is {facts.system} {facts.version}".rstrip()
        )
    # A machine sold with 16 GiB reports a little less, because firmware and kernel reserve some.
    if not facts.installed and facts.memory < memory * 0.96:
        found.append(
            f"it needs {memory:.0f} GiB of memory; this host has {facts.memory:.1f} "
            "(LAB_MINIMUM_MEMORY changes the limit)"
        )
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
    for address, port in LISTENERS:
        taken = [one for one in listeners if one.port == port and one.address in (address, *WILDCARDS) and not one.ours]
        for one in taken[:1]:
            by = f"{one.program or 'another program'} (process {one.process})" if one.process else "another program"
            found.append(f"port {port} on {address} is in use by {by}, which listens on {one.address}")
    return found


def _taken_names(facts: Facts) -> list[str]:
    """Names and networks that are in use although the lab has made nothing since this host started."""
    wanted = {places.EXTERNAL_BRIDGE, places.UNDERLAY_BRIDGE, *veth_names()}
    found = [f"interface {name} exists, and the lab did not make it" for name in facts.links if name in wanted]
    foreign = "belongs to another OpenStack; the lab's network agents would remove it"
    for name in lab_namespaces(facts.namespaces):
        why = foreign if name.startswith(("qrouter-", "qdhcp-")) else "exists, and the lab did not make it"
        found.append(f"network namespace {name} {why}")
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
    wanted = {port for _, port in LISTENERS}
    found: dict[str, tuple[str, int]] = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            local, _, number = columns[1].partition(":")
            if columns[3] == "0A" and int(number, 16) in wanted:
                found[columns[9]] = (address_of(local), int(number, 16))
    owners = _owners(set(found)) if found else {}
    listeners = []
    for inode, (address, port) in found.items():
        owner = owners.get(inode, 0)
        listeners.append(Listener(address, port, owner, processes.program(owner), processes.is_marked(owner)))
    return listeners


def address_of(text: str) -> str:
    """An address of /proc/net/tcp or tcp6. Of IPv6 only "any" matters: the lab has no other IPv6 address."""
    if len(text) == 8:
        return ".".join(str(byte) for byte in reversed(bytes.fromhex(text)))
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
