"""The platform that is drilled: its outputs, the ways to its machines while some of them are away, and its API."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paramiko
from kubernetes import client

from ops.drill.power import Host, Power
from ops.drill.waiting import DrillError
from ops.proof.checks import Check, Prover, etcd_look, virtual_addresses
from ops.shared import outputs as stack_outputs
from ops.shared import pulumi
from ops.shared.cluster import REQUEST_SECONDS, Cluster, asking
from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import Ssh, SshError

REMOTE = Path(__file__).parents[1] / "remote"
PROJECT = Path(__file__).parents[2]
#: A machine that answers at all opens SSH within this time, in seconds.
CONNECT_SECONDS = 5.0
#: Limit of `pulumi up --refresh`, in seconds.
UP_SECONDS = 1200
#: The stack's machines, as `--target` names them.
MACHINES = "**openstack:compute/instance:Instance::*"


@dataclass
class Target:
    """One platform, and what the drill at hand has chosen and done."""

    outputs: Outputs
    stack: str
    cluster: Cluster
    power: Power
    host: Host | None = None
    delete: bool = False
    """Machines are deleted instead of switched off, and `pulumi up --refresh` replaces them."""
    machine: str = ""
    """The machine to fail; empty: the drill chooses."""
    say: Callable[[str], None] = lambda _: None
    away: set[str] = field(default_factory=set)
    """Names of machines that do not answer now, because the drill took them away."""

    @property
    def core(self) -> Any:
        """Pods, nodes, ConfigMaps."""
        return client.CoreV1Api(self.cluster.api_client())

    def way_in(self) -> Machine | None:
        """A gateway with an address of its own that is not away: unlike the VIP it does not move."""
        gateways = [gateway for gateway in self.outputs.role("gateway") if gateway.public_address]
        return next((gateway for gateway in gateways if gateway.name not in self.away), None)

    def ssh(self, seconds: float = CONNECT_SECONDS) -> Ssh:
        """New connections each time: old ones may lead through a machine that is gone."""
        return Ssh(self.outputs, self.way_in(), seconds)

    def run(self, machine: Machine, command: str, script: str = "", seconds: float = 30) -> str:
        """A command on a machine over a connection of its own. Raises SshError."""
        with self.ssh() as ssh:
            return ssh.run(machine, command, script, seconds)

    def script(self, machine: Machine, name: str, *arguments: str, seconds: float = 30) -> str:
        """A script of ops/remote on a machine, as root. Raises SshError."""
        command = shlex.join(["sudo", "-n", "bash", "-s", "--", *arguments])
        return self.run(machine, command, (REMOTE / name).read_text(), seconds)

    def answering(self, *roles: str) -> list[Machine]:
        """The machines of these roles that the drill has not taken away."""
        return [machine for machine in self.outputs.role(*roles) if machine.name not in self.away]

    def tunnel(self, host: str, port: int, seconds: float) -> tuple[paramiko.Channel, Ssh]:
        """A channel from a node to an address that only nodes reach, and the connections that carry it."""
        errors = []
        for node in self.answering("control-plane", "worker"):
            ssh = self.ssh(seconds)
            try:
                transport = ssh.client(node).get_transport()
                assert transport is not None
                return transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=seconds), ssh
            except SshError as error:
                ssh.close()
                errors.append(str(error))
            except (paramiko.SSHException, OSError) as error:
                # The node answers and the address does not: from the next node it would not either.
                ssh.close()
                raise SshError(f"{node.name} does not reach {host}:{port}: {error}") from error
        raise SshError(f"no node leads to {host}:{port}: {'; '.join(errors)}")

    def health(self, seconds: float) -> list[Check]:
        """The checks of the proof, each tried for at most `seconds`."""
        return Prover(self.outputs, self.cluster, self, seconds).run()

    def etcd_members(self) -> list[str]:
        """The names of etcd's members, sorted. Raises SshError."""
        return sorted(member["name"] for member in self.etcd("members")["members"])

    def etcd(self, what: str) -> Any:
        """`members` or `status` as etcdctl prints them, from the first member that answers. Raises SshError."""
        return etcd_look(self, self.answering("etcd"), what)

    def etcd_status(self) -> dict[str, Any]:
        """What each member that answers says of itself, by its address. Raises SshError."""
        return {urlsplit(entry["Endpoint"]).hostname or "": entry["Status"] for entry in self.etcd("status")}

    def leader(self, role: str) -> Machine:
        """The gateway, etcd member or control plane that leads. Raises DrillError, SshError, ClusterError."""
        if role == "gateway":
            return self.vip_holder()
        if role == "etcd":
            return self.etcd_leader()
        return self.machine_of(self.lease_holder("kube-controller-manager"))

    def etcd_leader(self) -> Machine:
        """The machine of the member that leads. Raises DrillError, SshError."""
        machines = {machine.address: machine for machine in self.outputs.role("etcd")}
        for address, status in self.etcd_status().items():
            if status["header"]["member_id"] == status["leader"] and address in machines:
                return machines[address]
        raise DrillError("no etcd member leads")

    def vip_holder(self) -> Machine:
        """The gateway that holds the virtual addresses, as the proof finds it. Raises DrillError, SshError."""
        for gateway in self.answering("gateway"):
            if virtual_addresses(self, gateway):
                return gateway
        raise DrillError("no gateway holds the virtual addresses")

    def node_ready(self, name: str) -> bool:
        """Whether the API calls the node Ready. Raises ClusterError."""
        return any(node.name == name and node.ready for node in self.cluster.nodes())

    def lease_holder(self, name: str) -> str:
        """The identity of who holds a lease of kube-system. Raises ClusterError."""
        with asking(f"lease {name}"):
            api = client.CoordinationV1Api(self.cluster.api_client())
            lease = api.read_namespaced_lease(name, "kube-system", _request_timeout=5)
        return str(lease.spec.holder_identity)

    def machine_of(self, identity: str) -> Machine:
        """The machine of a lease's holder: its identity is the node's name, `_` and an id. Raises OutputsError."""
        return self.outputs.machine(identity.rpartition("_")[0])

    def primary_node(self) -> str:
        """The node that the database's primary runs on; empty without a database. Raises ClusterError."""
        database = self.outputs.database
        if database is None:
            return ""
        with asking(f"pod {database.namespace}/{database.primary}"):
            found = self.core.read_namespaced_pod(
                database.primary, database.namespace, _request_timeout=REQUEST_SECONDS
            )
        return str(found.spec.node_name or "")

    def up(self, api: bool = True) -> None:
        """`pulumi up --refresh`: what is missing is created again. Reads the outputs again. Raises OpsError.

        Without an API the cluster's objects cannot be read, and `--refresh` fails: then only machines are refreshed.
        """
        if api:
            self._pulumi("up", "--refresh")
        else:
            self._pulumi("refresh", "--target", MACHINES)
            self._pulumi("up")
        self.outputs = stack_outputs.load(self.stack)
        self.cluster = Cluster(self.outputs)

    def _pulumi(self, *words: str) -> None:
        """In a session of its own: Ctrl-C is for the drill, which does not interrupt its repair."""
        options = ("--yes", "--skip-preview", "--suppress-outputs")
        pulumi.run(*words, *options, stack=self.stack, folder=PROJECT, seconds=UP_SECONDS, alone=True)
