"""Checks whether the lab can run on this host and names every reason why not."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass

from dev.errors import DevError
from dev.lab import places
from dev.lab.facts import Facts, Listener
from dev.lab.teardown import veth_names

WILDCARDS = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Requirements:
    """GiB needed. The lab with ten machines, the smallest production platform, uses 12 of memory and 30 of disk.

    LAB_MINIMUM_MEMORY and LAB_MINIMUM_DISK (GiB) change these limits.
    """

    memory: float = 16
    disk: float = 30
    disk_when_installed: float = 5

    @classmethod
    def from_environment(cls) -> Requirements:
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
    for network in map(ipaddress.ip_network, (places.EXTERNAL_NETWORK, places.UNDERLAY_NETWORK)):
        for destination, interface in routes:
            if network.overlaps(ipaddress.ip_network(destination, strict=False)):
                found.append(f"the network {network} overlaps {destination}, which is routed to {interface}")
    return found
