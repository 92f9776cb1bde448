"""A machine's ports on its compute host.

LXC makes the veth pairs. The bridge of a network is made here, because neutron's linuxbridge agent leaves ports owned
by `compute:` to nova; the agent does the rest: vxlan, security groups, address pairs.
"""

from pathlib import Path
from typing import Any

from oslo_concurrency import processutils


def tap(vif: Any) -> str:
    """The name of a port's outer end, by which the agent knows it."""
    return str(vif.get("devname") or f"tap{vif['id']}"[:14])


def bridge(vif: Any) -> str:
    """Make the bridge of the port's network if it is missing, and return its name."""
    name = str(vif["network"]["bridge"])
    if not Path("/sys/class/net", name).exists():
        processutils.execute("ip", "link", "add", name, "type", "bridge", check_exit_code=[0, 2])
        processutils.execute("sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
    processutils.execute("ip", "link", "set", name, "up")
    return name


def unplug(vif: Any) -> None:
    """Remove a port's veth pair if it exists."""
    processutils.execute("ip", "link", "del", tap(vif), check_exit_code=[0, 1])


def attach(process: str, vif: Any) -> None:
    """Add a port to a running container; `process` is the id of its first process."""
    listing, _ = processutils.execute("nsenter", "-t", process, "-n", "ip", "-o", "link")
    name = f"eth{sum(': eth' in line for line in listing.splitlines())}"
    peer = ("peer", "name", name, "address", vif["address"], "netns", process)
    processutils.execute("ip", "link", "add", tap(vif), "type", "veth", *peer)
    processutils.execute("ip", "link", "set", tap(vif), "master", bridge(vif), "up")
