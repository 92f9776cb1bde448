"""Everything that was gathered of one platform, as the screen, the rules and the JSON read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.shared.outputs import Outputs
from ops.status import backups, certificates, database, etcd, gateways, nodes, pods, rollout
from ops.status.machine_report import MachineReport
from settings.versions import KUBERNETES, minor


@dataclass(frozen=True)
class Raw:
    """Answers as they came. A question that has none is in `errors`, with the reason."""

    looks: tuple[MachineReport, ...]
    api: Mapping[str, str] = field(default_factory=dict)
    """By question: ready, nodes, pods, backups, schedule (both empty where the object does not exist)."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Answers of the database's pods by name."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """By question of the API, or by pod."""


@dataclass(frozen=True)
class Api:
    """The API, through its address outside, and each control plane's own server."""

    endpoint: str
    problem: str = ""
    """Why it does not answer through that address; empty when it does."""
    servers: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each control plane's own, empty when it is ready."""


@dataclass(frozen=True)
class Machine:
    """A machine: whether SSH reaches it, its services and disks."""

    name: str
    role: str
    problem: str
    services: Mapping[str, str]
    disks: Mapping[str, int]
    stranger: bool = False
    """Whether it is another instance than the outputs say."""
    wants_restart: bool = False


@dataclass(frozen=True)
class Report:
    """One look at a platform. What could not be asked is None, with the reason in `not_asked`."""

    stack: str
    time: float
    seconds: float
    kubernetes: str
    """Version that nodes should have, without the v."""
    end_of_life: str
    """The last day on which that one gets fixes, as 2027-06-28; empty where it is not known."""
    rollout: tuple[rollout.Progress, ...]
    """What runs in more than one version."""
    machines: tuple[Machine, ...]
    api: Api
    gateways: tuple[gateways.Gateway, ...]
    etcd: etcd.Etcd
    nodes: tuple[nodes.Node, ...] | None
    pods: pods.Pods | None
    database: tuple[database.Member, ...]
    certificates: tuple[certificates.Certificate, ...]
    backups: tuple[backups.Backup, ...]
    not_asked: Mapping[str, str]
    unreadable: tuple[str, ...] = ()
    """Files that should be certificates."""

    @property
    def blind(self) -> bool:
        """Whether nothing at all could be asked."""
        return bool(self.api.problem) and all(machine.problem for machine in self.machines)


def build(outputs: Outputs, raw: Raw, stack: str, time: float, seconds: float) -> Report:
    """From the answers. Pure."""
    wanted = outputs.versions.get("kubernetes", "").removeprefix("v")
    role = {name: [look for look in raw.looks if look.machine.role == name] for name in ("gateway", "etcd")}
    renewed_before = time + outputs.renewal_hours * 3600
    found, unreadable = certificates.read(raw.looks, renewed_before)
    found += certificates.administrator(outputs.kubeconfig, renewed_before)
    made = min((one.begins for one in found if one.kind == "etcd"), default=None)
    listed, running = _json(raw, "nodes"), _json(raw, "pods")
    not_asked = {name: raw.errors.get(name, "") for name, got in (("nodes", listed), ("pods", running)) if got is None}
    stores = []
    if role["etcd"]:
        stores.append(backups.of_etcd(role["etcd"], made, time))
    if outputs.database:
        stores.append(_database_backups(raw, time))
    members = etcd.read(role["etcd"])
    all_nodes = None if listed is None else tuple(nodes.read(listed))
    all_pods = None if running is None else pods.read(running, time)
    return Report(
        stack=stack,
        time=time,
        seconds=seconds,
        kubernetes=wanted,
        end_of_life=str(KUBERNETES[minor(wanted)].end_of_life) if minor(wanted) in KUBERNETES else "",
        rollout=tuple(_rollout(outputs, all_nodes or (), all_pods, members, role["gateway"])),
        machines=tuple(_machine(look) for look in raw.looks),
        api=_api(outputs, raw),
        gateways=tuple(gateways.read(role["gateway"])),
        etcd=members,
        nodes=all_nodes,
        pods=all_pods,
        database=tuple(database.read(outputs.database, raw.members, raw.errors) if outputs.database else ()),
        certificates=tuple(found),
        backups=tuple(stores),
        not_asked={name: why or "its answer cannot be read" for name, why in not_asked.items()},
        unreadable=tuple(unreadable),
    )


def _rollout(
    outputs: Outputs,
    all_nodes: Iterable[nodes.Node],
    all_pods: pods.Pods | None,
    members: etcd.Etcd,
    gateway_looks: Iterable[MachineReport],
) -> Iterator[rollout.Progress]:
    """What is of several versions, the API servers before the nodes, as an upgrade goes."""
    known, wanted = list(all_nodes), outputs.versions.get("kubernetes", "").removeprefix("v")
    yield from rollout.progress(
        "etcd", "members", [one.version for one in members.members], outputs.versions.get("etcd", "")
    )
    servers = all_pods.servers.values() if all_pods else ()
    yield from rollout.progress("Kubernetes", "API servers", servers, wanted)
    yield from rollout.progress("Kubernetes", "nodes", [node.version for node in known], wanted)
    yield from rollout.progress("containerd", "nodes", [node.containerd for node in known])
    installed = [look.versions() for look in gateway_looks]
    for package in ("haproxy", "keepalived"):
        yield from rollout.progress(package, "gateways", [versions.get(package, "") for versions in installed])


def _json(raw: Raw, question: str) -> Any:
    """The document; None where there is none, or something else."""
    try:
        document = json.loads(raw.api.get(question) or "null")
    except json.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _machine(look: MachineReport) -> Machine:
    # Stand-ins for clouds, and images without cloud-init's data, tell no id.
    stranger = look.instance() not in ("", look.machine.instance_id)
    return Machine(
        look.name, look.machine.role, look.problem, look.services(), look.disks(), stranger, look.wants_restart()
    )


def _api(outputs: Outputs, raw: Raw) -> Api:
    servers = {look.name: _server(look) for look in raw.looks if look.machine.role == "control-plane"}
    return Api(outputs.api_endpoint, raw.errors.get("ready", ""), servers)


def _server(look: MachineReport) -> str:
    """What is wrong with a control plane's own API server: the checks that fail, or why there is no answer."""
    answer = look.answer("api-server")
    lines = answer.text.splitlines()
    failing = ", ".join(line.removeprefix("[-]") for line in lines if line.startswith("[-]"))
    return failing or answer.problem or ("" if "200" in lines else f"it answers {' '.join(lines)}")


def _database_backups(raw: Raw, time: float) -> backups.Backup:
    for question in ("backups", "schedule"):
        if question in raw.errors:
            return backups.Backup("database", problem=raw.errors[question])
    data = _json(raw, "backups")
    return backups.of_database((data or {}).get("data"), _json(raw, "schedule"), time)
