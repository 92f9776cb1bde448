"""Everything that was gathered about one platform, as the screen, the rules and the JSON read it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.shared.outputs import Outputs
from ops.status import backups, certificates, cluster, database, etcd, machine_report, rollout
from ops.status.machine_report import MachineReport
from settings.versions import KUBERNETES, minor


@dataclass(frozen=True)
class Raw:
    """Answers as they came. A question without one is in `errors`, with the reason."""

    machines: tuple[MachineReport, ...]
    answers: Mapping[str, str] = field(default_factory=dict)
    """By pod of the database, and by question of the API: ready, nodes, pods, backups, schedule.

    The last two are empty when the object does not exist.
    """
    errors: Mapping[str, str] = field(default_factory=dict)

    def document(self, question: str) -> Mapping[str, Any] | None:
        """The JSON object that the API answered; None when there is none, or something else."""
        try:
            document = json.loads(self.answers.get(question) or "null")
        except json.JSONDecodeError:
            return None
        return document if isinstance(document, dict) else None


@dataclass(frozen=True)
class Api:
    """The API, through its address outside, and each control plane's own server."""

    endpoint: str
    problem: str = ""
    """Why it does not answer at that address; empty when it does."""
    servers: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each control plane's own; empty when it is ready."""


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
    machines: tuple[machine_report.Machine, ...]
    api: Api
    gateways: tuple[machine_report.Gateway, ...]
    etcd: etcd.Etcd
    nodes: tuple[cluster.Node, ...] | None
    pods: cluster.Pods | None
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
    gateways, members, control_planes = (
        [report for report in raw.machines if report.machine.role == role]
        for role in ("gateway", "etcd", "control-plane")
    )
    renewed_before = time + outputs.renewal_hours * 3600
    found, unreadable = certificates.read(raw.machines, renewed_before)
    found += certificates.administrator(outputs.kubeconfig, renewed_before)
    created = min((one.begins for one in found if one.kind == "etcd"), default=None)
    listed = {name: raw.document(name) for name in ("nodes", "pods")}
    nodes = cluster.read_nodes(listed["nodes"]) if listed["nodes"] is not None else None
    pods = cluster.read_pods(listed["pods"], time) if listed["pods"] is not None else None
    stores = [backups.of_etcd(members, created, time)] if members else []
    stores += [_database_backups(raw, time)] if outputs.database else []
    kubernetes, known_etcd = outputs.versions.get("kubernetes", "").removeprefix("v"), etcd.read(members)
    return Report(
        stack=stack,
        time=time,
        seconds=seconds,
        kubernetes=kubernetes,
        end_of_life=str(KUBERNETES[minor(kubernetes)].end_of_life) if minor(kubernetes) in KUBERNETES else "",
        rollout=tuple(rollout.read(outputs, nodes or (), pods, known_etcd, gateways)),
        machines=tuple(map(machine_report.read_machine, raw.machines)),
        api=Api(
            outputs.api_endpoint,
            raw.errors.get("ready", ""),
            {report.name: machine_report.api_server_problem(report) for report in control_planes},
        ),
        gateways=tuple(map(machine_report.read_gateway, gateways)),
        etcd=known_etcd,
        nodes=nodes,
        pods=pods,
        database=database.read(outputs.database, raw.answers, raw.errors) if outputs.database else (),
        certificates=tuple(found),
        backups=tuple(stores),
        not_asked={
            name: raw.errors.get(name) or "its answer cannot be read"
            for name, document in listed.items()
            if document is None
        },
        unreadable=tuple(unreadable),
    )


def _database_backups(raw: Raw, time: float) -> backups.Backup:
    for question in ("backups", "schedule"):
        if question in raw.errors:
            return backups.Backup("database", problem=raw.errors[question])
    return backups.of_database((raw.document("backups") or {}).get("data") or {}, raw.document("schedule"), time)
