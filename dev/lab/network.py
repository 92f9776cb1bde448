"""The lab's bridges, namespaces and veth pairs, the block on outgoing traffic, and kernel settings for the machines."""

import json
from pathlib import Path

from dev.lab import ownership, places
from dev.lab.command import ip, run
from dev.lab.places import Host

NAMESPACES = Path("/run/netns")
# What a host full of system containers needs. With Debian's defaults the fifth container fails to boot.
KERNEL_SETTINGS = {
    "fs.inotify.max_user_instances": 8192,
    "fs.inotify.max_user_watches": 1048576,
    "kernel.keys.maxkeys": 5000,
    "kernel.keys.maxbytes": 500000,
}


def ensure() -> None:
    """Make what is missing."""
    ownership.claim()
    if not NAMESPACES.is_mount():
        ownership.remember_mount(str(NAMESPACES))  # the first `ip netns add` mounts it
    _raise_settings()
    if Path("/usr/sbin/modprobe").exists():
        run("modprobe", "--all", "br_netfilter", "vxlan", "overlay", check=False)
    _bridge(places.EXTERNAL_BRIDGE, places.EXTERNAL_ADDRESS, 1500)
    _bridge(places.UNDERLAY_BRIDGE, places.UNDERLAY_ADDRESS, places.UNDERLAY_MTU)
    _block_outgoing_traffic()
    for host in places.HOSTS:
        _host(host)
    _provider(places.NETWORK_HOST)


def namespaces() -> list[str]:
    """The names of this host's network namespaces."""
    return sorted(path.name for path in NAMESPACES.iterdir()) if NAMESPACES.is_dir() else []


def links(namespace: str = "") -> dict[str, dict[str, object]]:
    """Every interface of the host or of a namespace, by name."""
    where = f"-n {namespace}" if namespace else ""
    listing = json.loads(ip(f"{where} -json address show") or "[]")
    return {str(link["ifname"]): link for link in listing if link}


def unmount_namespaces() -> None:
    """Unmount the folder of namespaces if it was mounted for the lab and is empty now."""
    if str(NAMESPACES) in ownership.note().get("mounts", []) and NAMESPACES.is_mount() and not namespaces():
        run("umount", NAMESPACES, check=False)


def _raise_settings() -> None:
    for name, wanted in KERNEL_SETTINGS.items():
        path = Path("/proc/sys") / name.replace(".", "/")
        if path.exists() and int(value := path.read_text().strip()) < wanted:
            ownership.remember_setting(name, value)
            path.write_text(str(wanted))


def restore_settings() -> None:
    """Restore the kernel settings that still have the lab's value."""
    for name, value in ownership.note().get("settings", {}).items():
        path = Path("/proc/sys") / name.replace(".", "/")
        if path.exists() and path.read_text().strip() == str(KERNEL_SETTINGS.get(name)):
            path.write_text(value)


def _bridge(name: str, address: str, mtu: int) -> None:
    if name not in links():
        ip(f"link add {name} type bridge")
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
    ip(f"link set {name} mtu {mtu} up")
    ip(f"address replace {address}/{places.PREFIX_LENGTH} dev {name}")


def _block_outgoing_traffic() -> None:
    """Packets from the machines may reach this host's own addresses and nothing beyond."""
    incoming = f"iif {places.EXTERNAL_BRIDGE}"
    ip(f"route replace unreachable default table {places.ROUTING_TABLE}")
    if incoming not in ip("rule show"):
        ip(f"rule add {incoming} priority {places.ROUTING_PRIORITY} lookup {places.ROUTING_TABLE}")


def _host(host: Host) -> None:
    if not (NAMESPACES / host.name).exists():
        ip(f"netns add {host.name}")
    _veth(host, f"{host.name}-u", "underlay", places.UNDERLAY_BRIDGE, places.UNDERLAY_MTU)
    ip(f"-n {host.name} link set lo up")
    ip(f"-n {host.name} address replace {host.address}/{places.PREFIX_LENGTH} dev underlay")
    settings = "net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1"
    ip(f"netns exec {host.name} sysctl -q -w {settings}", check=False)


def _veth(host: Host, outside: str, inside: str, bridge: str, mtu: int) -> None:
    if inside not in links(host.name):
        ip(f"link delete {outside}", check=False)
        ip(f"link add {outside} mtu {mtu} type veth peer name {inside} mtu {mtu} netns {host.name}")
    ip(f"link set {outside} master {bridge} up")
    ip(f"-n {host.name} link set {inside} mtu {mtu} up")


def _provider(host: Host) -> None:
    """Bring the external network into the network node."""
    _veth(host, f"{host.name}-e", "external", places.EXTERNAL_BRIDGE, 1500)
    if places.PROVIDER_BRIDGE not in links(host.name):
        ip(f"-n {host.name} link add {places.PROVIDER_BRIDGE} type bridge")
    ip(f"-n {host.name} link set {places.PROVIDER_BRIDGE} up")
    ip(f"-n {host.name} link set external master {places.PROVIDER_BRIDGE}")
