"""`down`: stops and removes everything that the lab made on this host, and nothing else. Its data stays by default."""

import shutil
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from dev.errors import DevError
from dev.lab import network, ownership, places, processes, supervision
from dev.lab.command import ip, run, until
from dev.lab.driver.virt.openstack_paas_lab import cgroups
from dev.lab.progress import Progress
from dev.lab.services import COMPUTES


def down(progress: Progress, wipe: bool = False) -> None:
    """An orderly power cut: first the services that would notice lost machines, then the machines, then the rest."""
    with progress.step("services and machines stopped"):
        if supervision.alive():
            supervision.stop(COMPUTES)
            try:
                processes.end_containers(processes.instances())
                supervision.shut_down()
            except DevError as error:
                progress(f"{error}; killing what is left")
        end_leftovers()
    with progress.step("networks and mounts removed"):
        for pivot in cgroups.ROOT.glob("*/lxc.pivot"):  # LXC moves monitors into these groups while it stops
            with suppress(OSError):  # others use it
                pivot.rmdir()
        for target in mounts_below(places.STATE, Path("/proc/self/mounts").read_text()):
            run("umount", "--lazy", target, check=False)
        if ownership.ours():
            _remove_network()
            network.restore_settings()
        ownership.NOTE.unlink(missing_ok=True)  # nothing of the lab is left
    if wipe and places.STATE.exists():
        with progress.step(f"{places.STATE} deleted"):
            delete(places.STATE)


def delete(folder: Path, limit: float = 20) -> None:
    """Delete a folder into which something may still write for a moment: a process that is ending, or a shell."""

    def gone() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    until(gone, f"{folder} cannot be deleted because something writes there", limit)


def end_leftovers() -> None:
    """Stop the processes of a lab whose supervisor is dead. Only the database gets time to write."""
    left = processes.marked()
    databases = [number for number in left if processes.program(number) == "mariadbd"]
    processes.kill([number for number in left if number not in databases])
    processes.end_containers(processes.instances())
    processes.kill(databases, signal.SIGTERM)
    with suppress(DevError):  # a database that has to be killed recovers at its next start
        until(lambda: not set(databases) & set(processes.marked()), "the database did not stop", 10)
    processes.kill_all(processes.marked, "the lab")


def mounts_below(folder: Path, table: str) -> list[str]:
    """The mount points under a folder from the text of /proc/self/mounts, the deepest first."""
    points = [line.split()[1] for line in table.splitlines() if len(line.split()) > 1]
    return sorted((point for point in points if Path(point).is_relative_to(folder)), reverse=True)


def lab_namespaces(names: Iterable[str]) -> list[str]:
    """The network namespaces of the lab: its hosts, and neutron's routers and DHCP servers.

    The lab does not start next to another neutron, so the names are enough.
    """
    own = {host.name for host in places.HOSTS}
    return [name for name in names if name in own or name.startswith(("qrouter-", "qdhcp-"))]


def lab_links(links: Mapping[str, Mapping[str, object]]) -> list[str]:
    """The lab's interfaces on this host: its bridges and everything plugged into them."""
    bridges = (places.EXTERNAL_BRIDGE, places.UNDERLAY_BRIDGE)
    plugged = [name for name, link in links.items() if link.get("master") in bridges or name in veth_names()]
    return [*plugged, *(name for name in bridges if name in links)]


def veth_names() -> set[str]:
    """This host's ends of the lab's veth pairs."""
    return {f"{host.name}-u" for host in places.HOSTS} | {f"{places.NETWORK_HOST.name}-e"}


def _remove_network() -> None:
    for name in lab_namespaces(network.namespaces()):
        ip(f"netns delete {name}", check=False)
        (network.NAMESPACES / name).unlink(missing_ok=True)  # a name whose namespace was already gone
    network.unmount_namespaces()
    for name in lab_links(network.links()):
        ip(f"link delete {name}", check=False)
    ip(f"rule delete iif {places.EXTERNAL_BRIDGE} lookup {places.ROUTING_TABLE}", check=False)
    ip(f"route flush table {places.ROUTING_TABLE}", check=False)
    shutil.rmtree(Path("/run/lxc/lock") / str(places.INSTANCES).lstrip("/"), ignore_errors=True)
