"""What a container is made of, as text: LXC's configuration and the machine's own network configuration."""

import os
import string

CGROUP_V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
# Machines speak the host's control group version: systemd inside is told which.
INIT = (
    "/sbin/init"
    if CGROUP_V2
    else ("/sbin/init systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1")
)
MEMORY_LIMIT = "lxc.cgroup2.memory.max" if CGROUP_V2 else "lxc.cgroup.memory.limit_in_bytes"
DEVICES = "lxc.cgroup2.devices.allow" if CGROUP_V2 else "lxc.cgroup.devices.allow"

# Folders that must not lie on overlayfs (containerd's own overlays, etcd's and databases' files): plain bind mounts.
PLAIN_FOLDERS = ("var/lib/containerd", "var/lib/kubelet", "var/lib/etcd", "opt/local-path-provisioner", "disks")

PORT = """\
lxc.net.{number}.type = veth
lxc.net.{number}.veth.pair = {tap}
lxc.net.{number}.link = {bridge}
lxc.net.{number}.hwaddr = {address}
lxc.net.{number}.name = eth{number}
lxc.net.{number}.mtu = {mtu}
"""


def container(state, folder, base, hostname, memory, ports):
    """LXC's configuration. `memory` is in MiB; `ports` are the dictionaries that `port` makes."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "container.conf")) as template:
        text = string.Template(template.read()).substitute(
            state=state, folder=folder, base=base, hostname=hostname, init=INIT
        )
    text += "%s = %dM\n%s = a\n" % (MEMORY_LIMIT, memory, DEVICES)
    for path in PLAIN_FOLDERS:
        text += "lxc.mount.entry = %s/plain/%s %s none bind,create=dir 0 0\n" % (folder, path, path)
    for one in ports:
        text += PORT.format(**one)
    return text if ports else text + "lxc.net.0.type = empty\n"


def port(number, vif, tap, bridge):
    """One port of a machine, from what nova knows of it."""
    subnets = vif["network"]["subnets"]
    addresses = [
        "%s/%s" % (ip["address"], subnet["cidr"].split("/")[1])
        for subnet in subnets
        for ip in subnet["ips"]
        if subnet["version"] == 4
    ]
    return {
        "number": number,
        "tap": tap,
        "bridge": bridge,
        "address": vif["address"],
        "mtu": vif["network"].get_meta("mtu") or 1500,
        "fixed": addresses,
    }


def interfaces(ports):
    """/etc/network/interfaces: DHCP on the first port; the others get the addresses that nova knows, no route and no
    name server, so that a second network without DHCP neither delays nor breaks a boot."""
    text = "auto lo\niface lo inet loopback\n"
    for one in ports:
        name = "eth%d" % one["number"]
        text += "auto %s\n" % name
        if one["number"] == 0:
            text += "iface %s inet dhcp\n" % name
        elif one["fixed"]:
            text += "iface %s inet static\n    address %s\n    mtu %d\n" % (name, one["fixed"][0], one["mtu"])
        else:
            text += "iface %s inet manual\n    up ip link set dev %s up\n" % (name, name)
    return text
