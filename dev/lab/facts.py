"""Facts about this host and what is already in use on it. dev.lab.checks judges them."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from dev.lab import network, ownership, places, processes
from dev.lab.command import run

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
    filesystems: frozenset[str] = field(default=frozenset({"overlay", "fuse"}))


def gather(installed: bool) -> Facts:
    """Collect the facts about this host."""
    release = _os_release()
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


def _os_release() -> dict[str, str]:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


def _routes() -> list[tuple[str, str]]:
    return [
        (route.get("dst", ""), route.get("dev", "")) for route in json.loads(run("ip", "-json", "-4", "route") or "[]")
    ]


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
    marker = f"{places.MARKER}={places.STATE}".encode()
    listeners = []
    for inode, (address, port) in found.items():
        process = owners.get(inode, 0)
        program = _read(process, "comm").decode(errors="replace").strip()
        ours = marker in _read(process, "environ").split(b"\0")
        listeners.append(Listener(address, port, process, program, ours))
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
        try:
            for descriptor in Path(f"/proc/{number}/fd").iterdir():
                inode = str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]")
                if inode in inodes:
                    owners.setdefault(inode, number)
        except OSError:
            continue
    return owners


def _read(process: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{name}").read_bytes() if process else b""
    except OSError:
        return b""
