"""The proof that a platform works: nodes, etcd, the VIP, and a row that travels from the primary to each replica."""

import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from ops.shared.cluster import Cluster, ClusterError
from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import SshError

ETCD_LOOK = Path(__file__).parents[1] / "remote" / "etcd-look.sh"
#: A database of the proof's own; its one table never holds more than the newest row.
CREATE = (
    "CREATE DATABASE IF NOT EXISTS openstack_paas; "
    "CREATE TABLE IF NOT EXISTS openstack_paas.proof (value CHAR(32) PRIMARY KEY); "
    "DELETE FROM openstack_paas.proof"
)


class SshAccess(Protocol):
    """Runs commands on machines: ops.shared.ssh.Ssh, and a drill's target."""

    def run(self, machine: Machine, command: str, script: str = "", seconds: float = 30) -> str: ...


class Failure(Exception):
    """A check did not pass: what failed, and a line for each part of it."""

    def __init__(self, summary: str, *lines: str) -> None:
        super().__init__("\n".join((summary, *lines)))


@dataclass(frozen=True)
class Check:
    """The outcome of one check: a sentence, and a line for each part of it."""

    name: str
    passed: bool
    summary: str
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0


def virtual_addresses(ssh: SshAccess, gateway: Machine) -> list[str]:
    """Those that a gateway holds: the only ones with prefix 32. Raises SshError, json.JSONDecodeError."""
    links = json.loads(ssh.run(gateway, "ip -json -4 address show"))
    entries = [entry for link in links for entry in link.get("addr_info", [])]
    return [entry["local"] for entry in entries if entry.get("prefixlen") == 32]


def etcd_look(ssh: SshAccess, machines: Iterable[Machine], what: str) -> Any:
    """`health`, `members` or `status` as etcdctl prints them, of the first machine that reports. Raises SshError."""
    errors = ["no etcd machine reports on the members"]
    for machine in machines:
        try:
            report = ssh.run(machine, f"sudo bash -s -- {what}", ETCD_LOOK.read_text())
            return json.loads(report)
        except SshError as error:
            errors.append(str(error))
        except json.JSONDecodeError:
            errors.append(f"{machine.name}: etcdctl's answer is not JSON: {report.strip()}")
    raise SshError("\n".join(errors))


@dataclass
class Prover:
    """Runs the checks. Each is tried until it passes, at most `wait_seconds` long: a platform settles for a moment."""

    outputs: Outputs
    cluster: Cluster
    ssh: SshAccess
    wait_seconds: float = 90
    pause_seconds: float = 1.0

    def run(self) -> list[Check]:
        """All checks, in order; a failed one does not stop the others."""
        checks = {"nodes": self.nodes, "etcd": self.etcd, "gateways": self.gateways}
        if self.outputs.database:
            checks["database"] = self.database
        return [self._until_passed(name, check) for name, check in checks.items()]

    def _until_passed(self, name: str, check: Callable[[], tuple[str, list[str]]]) -> Check:
        began = time.monotonic()
        while True:
            try:
                summary, lines = check()
                return Check(name, True, summary, lines, time.monotonic() - began)
            except (Failure, ClusterError, SshError) as error:
                spent = time.monotonic() - began
                if spent + self.pause_seconds > self.wait_seconds:
                    first, *more = str(error).splitlines()
                    return Check(name, False, first, more, spent)
            time.sleep(self.pause_seconds)

    def nodes(self) -> tuple[str, list[str]]:
        """Every control plane and worker of the inventory is a Ready node of the right version."""
        expected = {machine.name for machine in self.outputs.role("control-plane", "worker")}
        found = {node.name: node for node in self.cluster.nodes()}
        wanted = self.outputs.versions["kubernetes"].removeprefix("v")
        wrong = [f"{name}: not a node of the cluster" for name in sorted(expected - found.keys())]
        for node in found.values():
            if not node.ready:
                wrong.append(f"{node.name}: not Ready: {node.reason}")
            elif node.version != wanted:
                wrong.append(f"{node.name}: runs {node.version}, not {wanted}")
        if wrong:
            raise Failure(f"{len(wrong)} of {len(expected | found.keys())} nodes are not right", *wrong)
        role = {True: "control plane", False: "worker"}
        lines = [f"{node.name}  {role[node.control_plane]}  v{node.version}" for node in found.values()]
        return f"{len(found)} of {len(expected)} nodes Ready", lines

    def etcd(self) -> tuple[str, list[str]]:
        """The API server reaches etcd, and etcd's own client finds every member healthy."""
        self.cluster.etcd_ready()
        machines = self.outputs.role("etcd")
        if not machines:
            return "healthy, as the API server sees it (members run on the control planes)", []
        names = {machine.address: machine.name for machine in machines}
        lines, healthy = [], 0
        for member in etcd_look(self.ssh, machines, "health"):
            host = urlsplit(member["endpoint"]).hostname or ""
            healthy += bool(member.get("health"))
            state = f"healthy, {member['took']}" if member.get("health") else f"UNHEALTHY: {member.get('error', '')}"
            lines.append(f"{names.get(host, host)}  {state}")
        if healthy < len(machines):
            raise Failure(f"{healthy} of {len(machines)} etcd members healthy", *lines)
        return f"{healthy} of {len(machines)} members healthy", lines

    def gateways(self) -> tuple[str, list[str]]:
        """All gateways answer, and exactly one of them holds the virtual addresses."""
        holders, lines, errors = [], [], []
        for gateway in self.outputs.role("gateway"):
            try:
                held = virtual_addresses(self.ssh, gateway)
            except (SshError, json.JSONDecodeError) as error:
                errors.append(str(error))
                continue
            lines.append(f"{gateway.name}  {'holds ' + ', '.join(held) if held else 'stands by'}")
            if held:
                holders.append(gateway.name)
        if errors or len(holders) != 1:
            who = "no gateway holds" if not holders else f"{' and '.join(holders)} hold{'s' * (len(holders) == 1)}"
            raise Failure(f"{who} the virtual addresses", *lines, *errors)
        return f"{holders[0]} holds the virtual addresses", lines

    def database(self) -> tuple[str, list[str]]:
        """A fresh random value, written on the primary, is read back on each replica."""
        database = self.outputs.database
        assert database is not None
        value = secrets.token_hex(16)
        insert = f"{CREATE}; INSERT INTO openstack_paas.proof VALUES ('{value}')"
        self.cluster.query(database.namespace, database.primary, insert)
        written = time.monotonic()
        lines = [f"{database.primary}  primary  wrote {value}"]
        for replica in database.replicas or (database.primary,):
            seconds = self._read_back(database.namespace, replica, value, written)
            lines.append(f"{replica}  {'replica' if database.replicas else 'primary'}  read it {seconds:.1f} s later")
        count = len(database.replicas)
        where = f"on {count} replica{'s' * (count != 1)}" if count else "there (no replicas)"
        return f"a row written on the primary was read {where}", lines

    def _read_back(self, namespace: str, pod: str, value: str, written: float) -> float:
        """Seconds from the write until the pod has the row; replication gets ten of them."""
        while True:
            seen = self.cluster.query(namespace, pod, "SELECT value FROM openstack_paas.proof")
            seconds = time.monotonic() - written
            if seen == value:
                return seconds
            if seconds > 10:
                raise Failure(f"{pod} has no row {value} after {seconds:.0f} s: its last one is {seen or 'none'}")
            time.sleep(0.1)
