"""What tests observe while the platform changes: what was touched, what restarted, and whether clients could write."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client

from dev.lab import places
from ops.drill.probes.database import DatabaseWrite
from ops.drill.probes.http import ApiRead, ApiWrite, client_context
from ops.drill.probes.probe import Answers
from ops.drill.target import Target
from ops.shared.cluster import Cluster
from ops.shared.outputs import Machine
from ops.shared.ssh import Ssh
from ops.timeline.steps import steps_of
from tests.lab.platform import Platform
from tests.lab.report import record

#: The engine's event log, which dev/scripts/up.sh enables.
EVENTS = Path(places.CACHE) / "events-lab.jsonl"
#: The services of all roles. Each machine has some of them.
SERVICES = "etcd haproxy keepalived kubelet containerd"
#: Prints when the machine and its services started.
STARTS = (
    "awk '{ print $22 }' /proc/1/stat; "
    f"systemctl show --property=Id,ActiveEnterTimestampMonotonic {SERVICES} | grep -v '=0$' | sort"
)


def touched() -> set[str]:
    """Everything that the last `up` created, changed, replaced or deleted, as type/name."""
    steps, _ = steps_of(json.loads(line) for line in EVENTS.read_text().splitlines())
    return {f"{step.type.rpartition(':')[2]}/{step.name}" for step in steps}


def site(platform: Platform) -> Target:
    """The platform as drills see it, with what they ask of it."""
    outputs = platform.outputs
    return Target(outputs, "lab", Cluster(outputs), power=None)  # type: ignore[arg-type]  # nothing is switched off by it


def member_ids(platform: Platform) -> dict[str, int]:
    """The ids of etcd's members by name, without learners."""
    listed = site(platform).etcd("members")["members"]
    return {member["name"]: member["ID"] for member in listed if not member.get("isLearner")}


@dataclass(frozen=True)
class Identity:
    """What stays the same when nothing happens to a machine, by its name without the cluster's name."""

    starts: dict[str, str]
    """When the machine and its services started."""
    members: dict[str, int]
    nodes: dict[str, str]
    """The unique ids of the Node objects."""

    def without(self, *names: str) -> "Identity":
        """The identity of all other machines."""

        def others(found: dict[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in found.items() if name.removeprefix("lab-") not in names}

        return Identity(others(self.starts), others(self.members), others(self.nodes))


def identity(platform: Platform) -> Identity:
    """The current identity of every machine."""
    core = client.CoreV1Api(Cluster(platform.outputs).api_client())
    with Ssh(platform.outputs) as ssh:

        def starts(machine: Machine) -> str:
            return ssh.run(machine, "sudo -n bash -s", STARTS)

        return Identity(
            {machine.name.removeprefix("lab-"): starts(machine) for machine in platform.outputs.inventory},
            member_ids(platform),
            {node.metadata.name: node.metadata.uid for node in core.list_node().items},
        )


class DatabaseWriteWithPatience(DatabaseWrite):
    """Waits a little longer than a commit that no replica acknowledges."""

    timeout = 15.0


@contextmanager
def database_writes(platform: Platform) -> Iterator[DatabaseWrite]:
    """Write numbers to MariaDB's primary through its Service during the block. None may be lost."""
    found, database = site(platform), platform.outputs.database
    assert database is not None
    probe = DatabaseWriteWithPatience(found, database)
    probe.prepare()
    probe.start()
    try:
        yield probe
    finally:
        probe.stop()
    lost = probe.acknowledged() - probe.kept()
    assert not lost, f"acknowledged writes that are lost: {sorted(lost)}"
    probe.remove()


class ApiWriteAndRead(ApiWrite):
    """Writes and also reads. `reads` has the answers of the reads."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, path: str) -> None:
        super().__init__(host, port, context, path)
        self._read = ApiRead(host, port, context)
        self.reads: Answers = self._read.answers

    def start(self) -> None:
        """Start both."""
        super().start()
        self._read.start()

    def stop(self) -> None:
        """Stop both."""
        super().stop()
        self._read.stop()


@contextmanager
def writing(platform: Platform, what: str) -> Iterator[ApiWriteAndRead]:
    """Write numbers to a ConfigMap through the VIP and read from the API during the block. None may be lost."""
    outputs = platform.outputs
    core, name = client.CoreV1Api(Cluster(outputs).api_client()), "written-by-a-test"
    if any(found.metadata.name == name for found in core.list_namespaced_config_map("default").items):
        core.delete_namespaced_config_map(name, "default")
    core.create_namespaced_config_map("default", {"metadata": {"name": name}})
    host, port = outputs.api_host, urlsplit(outputs.api_endpoint).port or 443
    context = client_context(outputs.kubeconfig)
    write = ApiWriteAndRead(host, port, context, f"/api/v1/namespaces/default/configmaps/{name}")
    write.start()
    try:
        yield write
    finally:
        write.stop()
    gaps = {"API read": write.reads.longest_gap(), write.name: write.answers.longest_gap()}
    figures = ", ".join(f"longest time without {name} {gap:.1f} s" for name, gap in gaps.items())
    record(what, f"{figures}, {len(write.numbers)} written, {len(write.answers.bad)} refused")
    lost = write.acknowledged() - write.kept()
    assert not lost, f"acknowledged writes that are lost: {sorted(lost)}"
    core.delete_namespaced_config_map(name, "default")


def backends_up(platform: Platform, gateway: str) -> set[str]:
    """The API servers that a gateway's haproxy finds ready, by name without the cluster's name."""
    table = platform.on(gateway, "echo 'show stat' | socat - /run/haproxy/admin.sock 2>/dev/null || true")
    rows = [line.split(",") for line in table.splitlines()]
    return {
        row[1].removeprefix("lab-") for row in rows if row[0] == "api" and row[1] != "BACKEND" and "UP" in row[17:18]
    }
