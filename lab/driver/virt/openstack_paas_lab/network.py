"""A machine's ports on its compute host.

LXC makes the veth pairs; the bridge of a network is made here, because neutron's linuxbridge agent leaves ports owned by
`compute:` to nova. The agent does the rest: vxlan, security groups, address pairs.
"""

import os

from oslo_concurrency import processutils


def tap(vif):
    """The name of a port's outer end, by which the agent knows it."""
    return vif.get("devname") or ("tap" + vif["id"])[:14]


def bridge(vif):
    """Make sure that the bridge of the port's network is there and return its name."""
    name = vif["network"]["bridge"]
    if not os.path.exists("/sys/class/net/" + name):
        processutils.execute("ip", "link", "add", name, "type", "bridge", check_exit_code=[0, 2])
        processutils.execute("sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % name)
    processutils.execute("ip", "link", "set", name, "up")
    return name


def unplug(vif):
    """Remove a port's veth pair; fine when it is gone."""
    processutils.execute("ip", "link", "del", tap(vif), check_exit_code=[0, 1])


def attach(process, vif):
    """Give the running container whose first process this is one more port."""
    listing, _ = processutils.execute("nsenter", "-t", process, "-n", "ip", "-o", "link")
    name = "eth%d" % sum(": eth" in line for line in listing.splitlines())
    processutils.execute(
        "ip", "link", "add", tap(vif), "type", "veth", "peer", "name", name, "address", vif["address"], "netns", process
    )
    processutils.execute("ip", "link", "set", tap(vif), "master", bridge(vif), "up")
