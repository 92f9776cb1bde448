"""Previews of platforms of a given size: one before the first `up`, and one of a running platform without changes."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openstack

from dev.bench import usage
from tests.engine import home
from tests.preview.stack import PREVIEWS, Stack

#: Gateways, members of etcd and control planes of the preset production: the rest are workers.
FIXED_MACHINES = 8
PREVIEW = "pulumi preview --non-interactive"
#: Networks that hold 5,000 machines, and a pod network with a /24 for each.
NETWORKS = {"private": "10.32.0.0/18", "pods": "10.64.0.0/10", "services": "10.20.0.0/16", "edge": "10.21.0.0/27"}


@dataclass(frozen=True)
class Measured:
    """One size: its two previews, the resources, the state in MiB, and shares of the program's own time."""

    machines: int
    resources: int
    first: usage.Usage
    unchanged: usage.Usage
    state_mib: float
    shares_first: Mapping[str, float]
    shares_unchanged: Mapping[str, float]


def settings(machines: int) -> dict[str, Any]:
    """Keys of a stack file of the preset production with that many machines, on the lab's cloud."""
    return {
        "preset": "production",
        "network": NETWORKS,
        "gateways": {"flavor": "lab.gateway"},
        "etcd": {"flavor": "lab.etcd"},
        "controlPlanes": {"flavor": "lab.control-plane"},
        "workers": {"general": {"count": machines - FIXED_MACHINES, "flavor": "lab.worker"}},
        "kubernetes": {"cni": "flannel", "podsPerNode": 30},
    }


@contextmanager
def enough_quota() -> Iterator[None]:
    """Removes the quotas of the lab's project: a thousand machines are planned, and none is made."""
    admin = openstack.connect(cloud="lab-admin")
    project = admin.identity.find_project("paas").id
    compute, network = admin.get_compute_quotas(project), admin.get_network_quotas(project)
    kept_compute = {key: compute[key] for key in ("instances", "cores", "ram", "server_groups", "server_group_members")}
    kept_network = {key: network[key] for key in ("networks", "subnets", "ports", "floating_ips")}
    try:
        admin.set_compute_quotas(project, **dict.fromkeys(kept_compute, -1))
        admin.set_network_quotas(project, **dict.fromkeys(kept_network, -1))
        yield
    finally:
        admin.set_compute_quotas(project, **kept_compute)
        admin.set_network_quotas(project, **kept_network)


def _run(stack: Stack, environment: Mapping[str, str], command: str) -> usage.Usage:
    measured = usage.run([*command.split(), "--stack", stack.name], stack.folder, environment)
    assert measured.status == 0, measured.text[-2000:]
    return measured


def _previews(stack: Stack, environment: Mapping[str, str], runs: int) -> tuple[usage.Usage, dict[str, float]]:
    """The fastest preview, and where the time of one more goes."""
    fastest = min((_run(stack, environment, PREVIEW) for _ in range(runs)), key=lambda one: one.wall)
    return fastest, usage.profile([*PREVIEW.split(), "--stack", stack.name], stack.folder, environment)


def measure(machines: int, runs: int) -> Measured:
    """Measure one size. Each preview counts with the fastest of `runs`, because disturbances only make a run slower."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), "bench")
        stack.configure(settings(machines))
        stack.pulumi("stack", "select", "--create", stack.name)
        environment = {**stack.environment, **PREVIEWS}
        first, shares_first = _previews(stack, environment, runs)

        # A plugin that accepts everything stands for the cloud. The state is then the real program's.
        environment |= home.make(Path(folder) / "home")
        # Without checkpoints, too: nothing real exists that could be lost.
        _run(stack, environment, "pulumi up --yes --skip-preview --non-interactive")
        (state,) = (Path(folder) / "state" / ".pulumi" / "stacks").rglob(f"{stack.name}.json")
        unchanged, shares_unchanged = _previews(stack, environment, runs)
        only = re.search(r"^Resources:\n +(\d+) unchanged\s*$", unchanged.text, re.MULTILINE)
        assert only, unchanged.text[-2000:]
        resources, state_mib = int(only.group(1)), state.stat().st_size / 2**20
        return Measured(machines, resources, first, unchanged, state_mib, shares_first, shares_unchanged)
