"""How far a change of versions has come: what runs in more than one version, or in another than the outputs say."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ops.shared.outputs import Outputs
from ops.status.cluster import Node, Pods
from ops.status.etcd import Etcd
from ops.status.machine_report import MachineReport


@dataclass(frozen=True)
class Progress:
    """So many (`done`) of the things that were counted have the version `after`."""

    of: str
    """What has the versions: Kubernetes, etcd, haproxy, ..."""
    before: str
    after: str
    done: int
    count: int
    noun: str
    """What was counted: nodes, members, ..."""

    def __str__(self) -> str:
        return f"{self.of} {self.before} -> {self.after}: {self.done} of {self.count} {self.noun}"


def read(
    outputs: Outputs, nodes: Iterable[Node], pods: Pods | None, etcd: Etcd, gateways: Iterable[MachineReport]
) -> list[Progress]:
    """The API servers come before the nodes, as in an upgrade."""
    nodes, installed = list(nodes), [dict(gateway.pairs("versions")) for gateway in gateways]
    kubernetes = outputs.versions.get("kubernetes", "").removeprefix("v")
    counted = (
        ("etcd", "members", [member.version for member in etcd.members], outputs.versions.get("etcd", "")),
        ("Kubernetes", "API servers", list(pods.servers.values()) if pods else [], kubernetes),
        ("Kubernetes", "nodes", [node.version for node in nodes], kubernetes),
        ("containerd", "nodes", [node.containerd for node in nodes], ""),
        ("haproxy", "gateways", [versions.get("haproxy", "") for versions in installed], ""),
        ("keepalived", "gateways", [versions.get("keepalived", "") for versions in installed], ""),
    )
    return [progress for row in counted if (progress := _progress(*row))]


def _progress(of: str, noun: str, versions: list[str], wanted: str) -> Progress | None:
    """None when all have the same version. An empty version is one that is not known, and does not count."""
    found = [version for version in versions if version]
    different = sorted({*found, wanted} - {""}, key=_numbers)
    if not found or len(different) < 2:
        return None
    return Progress(of, different[0], different[-1], found.count(different[-1]), len(found), noun)


def _numbers(version: str) -> tuple[list[int], str]:
    """For the order of versions: 1.9 is before 1.10."""
    return [int(number) for number in re.findall(r"\d+", version)], version
