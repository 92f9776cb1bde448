"""The platform that is drilled: its outputs, the ways to its machines while some of them are away, and its API."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from kubernetes import client

from ops.drill.machines import Host, Power
from ops.drill.waiting import DrillError
from ops.proof.checks import Check, Prover
from ops.shared import outputs as stack_outputs
from ops.shared.cluster import Cluster, ClusterError
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
    """Machines are deleted instead of switched off, and `pulumi up --refresh` makes them again."""
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
            except SshError as error:
                ssh.close()
                errors.append(str(error))
                continue
            try:
                assert transport is not None
                return transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=seconds), ssh
            except (paramiko.SSHException, OSError) as error:
                # The node answers and the address does not: from the next node it would not either.
                ssh.close()
                raise SshError(f"{node.name} does not reach {host}:{port}: {error}") from error
        raise SshError(f"no node leads to {host}:{port}: {'; '.join(errors)}")

    def health(self, seconds: float) -> list[Check]:
        """The checks of the proof, each tried for at most `seconds`."""
        return Prover(self.outputs, self.cluster, self, seconds).run()

    def etcd_members(self) -> list[str]:
        """The names of etcd's members, sorted. Raises DrillError."""
        return sorted(member["name"] for member in self.etcd("members")["members"])

    def etcd(self, what: str) -> Any:
        """`members` or `status` as etcdctl prints them, from the first member that answers. Raises DrillError."""
        errors = []
        for machine in self.answering("etcd"):
            try:
                return json.loads(self.script(machine, "etcd-look.sh", what))
            except (SshError, json.JSONDecodeError) as error:
                errors.append(str(error))
        raise DrillError("\n".join(["no etcd member answers", *errors]))

    def etcd_leader(self) -> Machine:
        """The machine of the member that leads. Raises DrillError."""
        for entry in self.etcd("status"):
            status = entry["Status"]
            if status["header"]["member_id"] == status["leader"]:
                host = entry["Endpoint"].split("//")[-1].rsplit(":", 1)[0]
                for machine in self.outputs.role("etcd"):
                    if machine.address == host:
                        return machine
        raise DrillError("no etcd member leads")

    def vip_holder(self) -> Machine:
        """The gateway that holds the virtual addresses, as the proof finds it. Raises DrillError, SshError."""
        for gateway in self.answering("gateway"):
            links = json.loads(self.run(gateway, "ip -json -4 address show"))
            entries = [entry for link in links for entry in link.get("addr_info", [])]
            if any(entry.get("prefixlen") == 32 for entry in entries):
                return gateway
        raise DrillError("no gateway holds the virtual addresses")

    def node_ready(self, name: str) -> bool:
        """Whether the API calls the node Ready. Raises ClusterError."""
        return any(node.name == name and node.ready for node in self.cluster.nodes())

    def lease_holder(self, name: str) -> str:
        """The identity of who holds a lease of kube-system. Raises ClusterError."""
        try:
            api = client.CoordinationV1Api(self.cluster.api_client())
            lease = api.read_namespaced_lease(name, "kube-system", _request_timeout=5)
        except Exception as error:
            raise ClusterError(f"lease {name}: {error}") from error
        return str(lease.spec.holder_identity)

    def up(self, api: bool = True) -> None:
        """`pulumi up --refresh`: what is missing is made again. Reads the outputs again. Raises DrillError.

        Without an API what is in the cluster cannot be looked at, and `--refresh` fails: then only the machines are.
        """
        if api:
            self._pulumi("up", "--refresh")
        else:
            self._pulumi("refresh", "--target", MACHINES)
            self._pulumi("up")
        self.outputs = stack_outputs.load(self.stack or None)
        self.cluster = Cluster(self.outputs)

    def _pulumi(self, *words: str) -> None:
        command = ["pulumi", *words, "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs"]
        if self.stack:
            command += ["--stack", self.stack]
        name = f"`pulumi {' '.join(words)}`"
        try:
            # In a session of its own: Ctrl-C is for the drill, which does not interrupt its repair.
            done = subprocess.run(
                command,
                cwd=PROJECT,
                capture_output=True,
                text=True,
                check=False,
                timeout=UP_SECONDS,
                start_new_session=True,
            )
        except (FileNotFoundError, subprocess.TimeoutExpired) as error:
            raise DrillError(f"{name}: {error}") from error
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-80:])
            raise DrillError(f"{name} failed:\n{tail}")
