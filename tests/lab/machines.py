"""What an operator of the cloud or a power cut can do to the lab's machines from outside."""

import subprocess
from pathlib import Path
from typing import Any

import openstack

from dev.lab import places


class Machines:
    """The stack's machines as the lab's cloud sees them."""

    def __init__(self) -> None:
        self.connection: Any = openstack.connect(cloud="lab")

    def server(self, name: str) -> Any:
        """The server with that name."""
        return self.connection.compute.get_server(self.connection.compute.find_server(name, ignore_missing=False))

    def _folder(self, name: str) -> Path:
        (folder,) = places.INSTANCES.glob(f"*/{self.server(name).id}")
        return folder

    def host(self, name: str) -> str:
        """The compute host that runs the machine."""
        return self._folder(name).parent.name

    def kill(self, name: str) -> None:
        """Cut the machine's power."""
        folder = self._folder(name)
        namespace = f"--net=/run/netns/{folder.parent.name}"
        subprocess.run(
            ["nsenter", namespace, "lxc-stop", "--kill", "-P", str(folder.parent), "-n", folder.name],
            check=True,
            timeout=30,
        )

    def start(self, name: str) -> None:
        """Start a killed machine again. The cloud may still believe that it is running."""
        server = self.server(name)
        self.connection.compute.reboot_server(server, "HARD")
        self.connection.compute.wait_for_server(server, status="ACTIVE", wait=60)

    def delete(self, name: str) -> None:
        """Delete the machine and its disk without the stack's knowledge."""
        server = self.server(name)
        self.connection.compute.delete_server(server)
        self.connection.compute.wait_for_delete(server, interval=1, wait=120)

    def names(self) -> set[str]:
        """The names of all servers in the project."""
        return {server.name for server in self.connection.compute.servers()}

    def left(self) -> dict[str, list[str]]:
        """Everything in the project that a stack could have made, by kind."""
        network, compute = self.connection.network, self.connection.compute
        project = self.connection.current_project_id
        found = {
            "servers": [s.name for s in compute.servers()],
            "server groups": [g.name for g in compute.server_groups()],
            "key pairs": [k.name for k in compute.keypairs()],
            "ports": [p.name or p.id for p in network.ports(project_id=project)],
            "networks": [n.name for n in network.networks(project_id=project)],
            "routers": [r.name for r in network.routers(project_id=project)],
            "floating IPs": [f.floating_ip_address for f in network.ips(project_id=project)],
            "security groups": [g.name for g in network.security_groups(project_id=project) if g.name != "default"],
        }
        return {kind: names for kind, names in found.items() if names}
