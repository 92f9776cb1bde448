"""The screen's rows: a report in words, part by part, and which rows have a problem. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ops.shared.backups import duration
from ops.status.backups import Backup
from ops.status.certificates import DAY, date, grouped
from ops.status.problems import FULL_PERCENT, STALLED, Problem
from ops.status.report import Report
from settings.names import FIRST
from settings.versions import support_ends

#: So many pods are shown; a lost worker can have a hundred.
MOST_PODS = 15


@dataclass(frozen=True)
class Row:
    """One line of cells; `bad` when a problem is about it."""

    cells: tuple[str, ...]
    bad: bool = False


@dataclass(frozen=True)
class Part:
    """A titled part of the screen."""

    title: str
    rows: tuple[Row, ...]


def parts(report: Report, problems: Iterable[Problem]) -> list[Part]:
    """Everything above the list of problems; a part without rows is left out."""
    marked = {(problem.area, problem.subject) for problem in problems}
    found = [
        Part("API", tuple(_api(report, marked))),
        Part("Gateways", tuple(_gateways(report, marked))),
        Part("etcd", tuple(_etcd(report, marked))),
        Part("Nodes", tuple(_nodes(report, marked))),
        Part("Pods", tuple(_pods(report, marked))),
        Part("Database", tuple(_database(report, marked))),
        Part("Certificates", tuple(_certificates(report, marked))),
        Part("Backups", tuple(_backups(report, marked))),
        Part("Machines", tuple(_machines(report, marked))),
        Part("Rollout", tuple(_rollout(report))),
        Part("Drift", tuple(_drift(report))),
        Part("Support", tuple(_support(report))),
    ]
    return [part for part in found if part.rows]


Marked = set[tuple[str, str]]


def _api(report: Report, marked: Marked) -> Iterator[Row]:
    yield Row((report.api.endpoint, "no answer" if report.api.problem else "ready"), ("API", "") in marked)
    for name, wrong in report.api.servers.items():
        if wrong:
            yield Row((name, wrong), True)


def _gateways(report: Report, marked: Marked) -> Iterator[Row]:
    for gateway in report.gateways:
        yield Row((gateway.name, gateway.state), bool(gateway.problem) or ("machines", gateway.name) in marked)


def _etcd(report: Report, marked: Marked) -> Iterator[Row]:
    if not report.etcd.members:
        yield Row(("no machines of its own",))
    for member in report.etcd.members:
        bad = bool(member.problem) or ("etcd", member.name) in marked
        if member.problem:
            yield Row((member.name, "not known", member.problem), bad)
            continue
        took = "" if member.milliseconds is None else f"{member.milliseconds:.0f} ms"
        state = member.unhealthy or f"answers in {took}"
        size = f"{mebibytes(member.size)} of {mebibytes(member.quota)}" if member.quota else mebibytes(member.size)
        alarms = f"alarm {', '.join(member.alarms)}" if member.alarms else ""
        yield Row((member.name, member.part, state, size, f"v{member.version}", alarms), bad)
    for name in report.etcd.strangers:
        yield Row((name, "member", "not a machine of this stack"), True)


def _nodes(report: Report, marked: Marked) -> Iterator[Row]:
    if report.nodes is None:
        yield Row((f"not asked: {report.not_asked.get('nodes', '')}",), True)
        return
    for node in report.nodes:
        role = node.role.replace("-", " ")
        yield Row((node.name, role, f"v{node.version}", node.state), ("nodes", node.name) in marked)
    known = {node.name for node in report.nodes}
    for area, name in sorted(marked):
        if area == "nodes" and name not in known:
            yield Row((name, "", "", "not a node of the cluster"), True)


def _pods(report: Report, marked: Marked) -> Iterator[Row]:
    if report.pods is None:
        yield Row((f"not asked: {report.not_asked.get('pods', '')}",), True)
        return
    count = len(report.pods.others)
    yield Row((f"{report.pods.running} run and are ready" + (f", {count} do not:" if count else ""),))
    for pod in report.pods.others[:MOST_PODS]:
        name, state = f"{pod.namespace}/{pod.name}", f"{pod.state}, {duration(pod.seconds)}"
        where = f"on {pod.node}" if pod.node else ""
        yield Row((name, state, f"{pod.reason} {where}".strip()), ("pods", name) in marked)
    if count > MOST_PODS:
        yield Row((f"and {count - MOST_PODS} more: `kubectl get pods --all-namespaces` has all",))


def _database(report: Report, marked: Marked) -> Iterator[Row]:
    for member in report.database:
        yield Row((member.name, member.role, member.state), ("database", member.name) in marked)


def _certificates(report: Report, marked: Marked) -> Iterator[Row]:
    for group in grouped(report.certificates):
        first = group.first
        where = f"first {first.machine}: {first.file}" if first.machine and group.count > 1 else ""
        ends = f"until {date(first.ends)}, {first.days_left(report.time)} days"
        of = "" if group.generations in ((), (FIRST,)) else f"generation {', '.join(group.generations)}"
        due = f"{group.due} renewed by the next `pulumi up`" if group.due else ""
        notes = "; ".join(filter(None, (of, due, where)))
        yield Row((group.kind, str(group.count), ends, notes), ("certificates", group.kind) in marked)


def _backups(report: Report, marked: Marked) -> Iterator[Row]:
    for backup in report.backups:
        yield Row((backup.of, *_backup(backup)), ("backups", backup.of) in marked)


def _backup(backup: Backup) -> tuple[str, ...]:
    if backup.problem:
        return ("not asked", backup.problem)
    if backup.off and not backup.count:
        return ("off",)
    newest = "none yet" if backup.age is None else f"verified, {duration(backup.age)} old, {backup.where}"
    every = f"every {duration(backup.interval)}" if backup.interval else "none by themselves"
    copies = ", ".join(f"{place} {duration(age)} ago" for place, age in backup.copied) or "no copies off the cluster"
    return (newest, every, f"{backup.count} kept", copies)


def _machines(report: Report, marked: Marked) -> Iterator[Row]:
    """Only those with a problem: where all is well their parts above say so."""
    count = sum(not machine.problem for machine in report.machines)
    yield Row((f"{count} of {len(report.machines)} reached",), count < len(report.machines))
    for machine in report.machines:
        if ("machines", machine.name) in marked:
            states = [f"{unit} {state}" for unit, state in machine.services.items() if state != "active"]
            disks = [f"{path} {percent} % full" for path, percent in machine.disks.items() if percent >= FULL_PERCENT]
            words = machine.problem or ", ".join(states + disks)
            yield Row((machine.name, machine.role.replace("-", " "), words), True)


def _rollout(report: Report) -> Iterator[Row]:
    """What a change has reached: versions, and who is at it now."""
    for one in report.rollout:
        yield Row((f"{one.of} {one.before} -> {one.after}", f"{one.done} of {one.count} {one.noun}"))
    for node in report.nodes or ():
        if node.change:
            since = f"for {duration(int(report.time - node.change.since))}" if node.change.since else ""
            yield Row((node.name, node.change.what, since), report.time - node.change.since > STALLED)
    if any(one.of in ("Kubernetes", "etcd") for one in report.rollout):
        for backup in report.backups:
            if backup.of == "etcd" and not backup.problem:
                yield _snapshot(backup)


def _snapshot(backup: Backup) -> Row:
    """Whether there is a way back; the one of an upgrade of another day is none."""
    what = "snapshot of etcd before it"
    if backup.upgrade is None or backup.upgrade > DAY:
        return Row((what, "none: `paas etcd snapshot` takes one"), True)
    return Row((what, f"{duration(backup.upgrade)} old"))


def _support(report: Report) -> Iterator[Row]:
    """Red at its end, and no problem all the same: a day that passes makes nothing unhealthy."""
    if report.kubernetes:
        words = support_ends(report.kubernetes, datetime.fromtimestamp(report.time, UTC).date())
        yield Row((f"Kubernetes {report.kubernetes}", words or f"gets fixes until {report.end_of_life}"), bool(words))


def _drift(report: Report) -> Iterator[Row]:
    """What is not as the outputs say, as far as it was asked."""
    nodes = {node.name for node in report.nodes or ()}
    roles = {machine.name for machine in report.machines if machine.role in ("control-plane", "worker")}
    found = {
        "machines that are another instance": [machine.name for machine in report.machines if machine.stranger],
        "nodes that are not machines of the stack": sorted(nodes - roles),
        "machines that are not nodes": sorted(roles - nodes) if report.nodes is not None else [],
        "etcd members that are not machines of the stack": list(report.etcd.strangers),
        "machines that are not etcd members": list(report.etcd.missing),
        "cordoned by hand": [node.name for node in report.nodes or () if node.cordoned and not node.change],
        "restart wanted by a package": [machine.name for machine in report.machines if machine.wants_restart],
    }
    for what, names in found.items():
        if names:
            yield Row((what, ", ".join(names)))
    if not any(found.values()):
        yield Row(("none seen in machines, members and nodes",))
    yield Row(("every resource: `pulumi preview --refresh --expect-no-changes`",))


def mebibytes(size: int) -> str:
    """3.5 MiB, 2.0 GiB."""
    return f"{size / 2**20:.1f} MiB" if size < 2**30 else f"{size / 2**30:.1f} GiB"
