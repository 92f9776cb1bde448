"""`paas topology`: the picture of a platform (SVG), from its outputs: networks, virtual addresses, machines by role."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Template

from ops.shared import outputs as stack_outputs
from ops.shared.errors import OpsError
from ops.shared.options import add_outputs
from ops.shared.outputs import Machine, Outputs

#: Most machines of one frame beside each other.
COLUMNS = 8


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there instead of printing it")
    add_outputs(parser)
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0. Raises OutputsError, and OpsError when the file cannot be written."""
    drawn = picture(stack_outputs.load(arguments.stack, arguments.outputs))
    if not arguments.output:
        sys.stdout.write(drawn)
        return 0
    try:
        arguments.output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise OpsError(f"{arguments.output} cannot be written: {error.strerror}") from error
    return 0


@dataclass(frozen=True)
class Group:
    """Machines that belong together: a frame of the picture."""

    title: str
    role: str
    machines: Sequence[Machine]

    @property
    def columns(self) -> int:
        """How many machines are beside each other."""
        return min(len(self.machines), COLUMNS)

    @property
    def lines(self) -> int:
        """How many machines are below each other."""
        return -(-len(self.machines) // self.columns)


def groups(outputs: Outputs) -> list[Group]:
    """etcd, control planes and each pool of workers; a role without machines is left out."""
    members, versions = outputs.role("etcd"), outputs.versions
    control_planes = f"control planes{'' if members else ' with etcd'}, Kubernetes {versions.get('kubernetes', '')}"
    pools: dict[str, list[Machine]] = {}
    for machine in outputs.role("worker"):
        pools.setdefault(machine.pool, []).append(machine)
    found = [
        Group(f"etcd {versions.get('etcd', '')}", "etcd", members),
        Group(control_planes, "control-plane", outputs.role("control-plane")),
        *(Group(f"workers, pool {pool}" if pool else "workers", "worker", some) for pool, some in pools.items()),
    ]
    return [group for group in found if group.machines]


def rows(all_groups: Sequence[Group]) -> list[list[Group]]:
    """Frames beside each other, as many as fit."""
    found: list[list[Group]] = []
    for group in all_groups:
        if found and sum(one.columns for one in found[-1]) + group.columns <= COLUMNS:
            found[-1].append(group)
        else:
            found.append([group])
    return found


def picture(outputs: Outputs) -> str:
    """The SVG."""
    fixed, versions, database = outputs.fixed, outputs.versions, outputs.database
    gateways, framed = outputs.role("gateway"), rows(groups(outputs))
    facts = [
        f"preset {outputs.preset}" if outputs.preset else "",
        f"Kubernetes {versions.get('kubernetes', '')}",
        f"etcd {versions['etcd']}" if "etcd" in versions else "",
        f"MariaDB {versions['mariadb']}" if database and "mariadb" in versions else "",
    ]
    balancer = " (load balancer of the cloud)" if fixed.get("api.loadBalancer") == "octavia" else ""
    ingress = f"  ·  ingress {outputs.entry_host}:80, 443" if outputs.role("worker") else ""
    is_vip = len(gateways) > 1 and outputs.entry_host not in {gateway.public_address for gateway in gateways}
    network = f" by {versions['cni']}" if versions.get("cni") else ""
    in_the_cluster = [
        f"pods {fixed.get('network.pods', '')}".strip() + network,
        f"services {fixed.get('network.services', '')}".strip(),
    ]
    if database:
        copies = f", replicating to {', '.join(database.replicas)}" if database.replicas else ""
        in_the_cluster.append(f"MariaDB: {database.primary} (primary){copies}")
    template = Path(__file__).with_name("topology.svg.j2").read_text(encoding="utf-8")
    return Template(template, autoescape=True, trim_blocks=True, keep_trailing_newline=True).render(
        title=f"{fixed.get('clusterName') or 'Platform'}: {len(outputs.inventory)} machines",
        facts=" · ".join(filter(None, facts)),
        outside=f"API {outputs.api_endpoint}{balancer}{ingress}",
        public_vip=outputs.entry_host if is_vip else "",
        gateways=gateways,
        rows=framed,
        lines=[max(group.lines for group in row) for row in framed],
        in_the_cluster="  ·  ".join(in_the_cluster),
        fixed=fixed,
        short=outputs.short,
    )
