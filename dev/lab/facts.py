"""Facts about this host and what is already in use on it. dev.lab.checks judges them."""

from __future__ import annotations

import json
import os
import platform
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dev.lab import network, ownership, places, processes
from dev.lab.command import ip

GIBIBYTE = 2**30


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
