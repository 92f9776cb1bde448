"""The screen's rows: a report in words, part by part, and which rows have a problem. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from ops.shared.backups import duration
from ops.status.backups import Backup
from ops.status.certificates import DAY, by_kind, date
from ops.status.machine_report import HOST_CLOCK
from ops.status.problems import FULL_PERCENT, STALLED, Problem
from ops.status.report import Report
from settings.names import FIRST
from settings.versions import support_ends

#: At most so many pods are shown; a lost worker can have a hundred.
MOST_PODS = 15


@dataclass(frozen=True)
class Row:
    """One line of cells; `bad` when a problem is about it."""

    cells: tuple[str, ...]
    bad: bool = False


#: Area and subject of each problem.
Marked: TypeAlias = set[tuple[str, str]]


def parts(report: Report, problems: Iterable[Problem]) -> dict[str, list[Row]]:
    """Everything above the list of problems, by title; a part without rows is left out."""
    marked = {(problem.area, problem.subject) for problem in problems}
    found = {
        "API": _api,
        "Gateways": _gateways,
        "etcd": _etcd,
        "Nodes": _nodes,
        "Pods": _pods,
        "Database": _database,
        "Certificates": _certificates,
        "Backups": _backups,
        "Machines": _machines,
        "Clocks": _clocks,
        "Rollout": _rollout,
        "Drift": _drift,
        "Support": _support,
    }
    return {title: rows for title, part in found.items() if (rows := list(part(report, marked)))}


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
        if member.problem:
            yield Row((member.name, "not known", member.problem), True)
            continue
        state = member.unhealthy or f"answers in {member.milliseconds or 0:.0f} ms"
        size = f"{_size(member.size)} of {_size(member.quota)}" if member.quota else _size(member.size)
        alarms = f"alarm {', '.join(member.alarms)}" if member.alarms else ""
        cells = (member.name, member.part, state, size, f"v{member.version}", alarms)
        yield Row(cells, ("etcd", member.name) in marked)
    for name in report.etcd.strangers:
        yield Row((name, "member", "not a machine of this stack"), True)


def _size(size: int) -> str:
    """3.5 MiB, 2.0 GiB."""
    return f"{size / 2**20:.1f} MiB" if size < 2**30 else f"{size / 2**30:.1f} GiB"


def _nodes(report: Report, marked: Marked) -> Iterator[Row]:
    if report.nodes is None:
        yield Row((f"not asked: {report.not_asked['nodes']}",), True)
        return
    for node in report.nodes:
        cells = (node.name, node.role.replace("-", " "), f"v{node.version}", node.state)
        yield Row(cells, ("nodes", node.name) in marked)
    known = {node.name for node in report.nodes}
    for name in sorted(subject for area, subject in marked if area == "nodes" and subject not in known):
        yield Row((name, "", "", "not a node of the cluster"), True)


def _pods(report: Report, marked: Marked) -> Iterator[Row]:
    if report.pods is None:
        yield Row((f"not asked: {report.not_asked['pods']}",), True)
        return
    count = len(report.pods.others)
    yield Row((f"{report.pods.running} running and ready" + (f", {count} not:" if count else ""),))
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
    for kind, found in by_kind(report.certificates).items():
        first = min(found, key=lambda one: one.ends)
        generations = {one.generation for one in found} - {""}
        due = sum(one.due for one in found)
        notes = (
            f"generation {', '.join(sorted(generations))}" if generations - {FIRST} else "",
            f"{due} renewed by the next `pulumi up`" if due else "",
            f"first {first.machine}: {first.file}" if first.machine and len(found) > 1 else "",
        )
        ends = f"until {date(first.ends)}, {first.days_left(report.time)} days"
        cells = (kind, str(len(found)), ends, "; ".join(filter(None, notes)))
        yield Row(cells, ("certificates", kind) in marked)


def _backups(report: Report, marked: Marked) -> Iterator[Row]:
    for backup in report.backups:
        yield Row((backup.of, *_backup(backup)), ("backups", backup.of) in marked)


def _backup(backup: Backup) -> tuple[str, ...]:
    if backup.problem:
        return ("not asked", backup.problem)
    if backup.off and not backup.count:
        return ("off",)
    newest = "none yet" if backup.age is None else f"verified, {duration(backup.age)} old, {backup.where}"
    every = f"every {duration(backup.interval)}" if backup.interval else "no schedule"
    copies = ", ".join(f"{place} {duration(age)} ago" for place, age in backup.copied.items())
    return (newest, every, f"{backup.count} kept", copies or "no copies off the cluster")


def _machines(report: Report, marked: Marked) -> Iterator[Row]:
    """Only those with a problem: the others are in the parts above."""
    count = sum(not machine.problem for machine in report.machines)
    yield Row((f"{count} of {len(report.machines)} reached",), count < len(report.machines))
    for machine in report.machines:
        if ("machines", machine.name) in marked:
            states = [f"{unit} {state}" for unit, state in machine.services.items() if state != "active"]
            disks = [f"{path} {percent} % full" for path, percent in machine.disks.items() if percent >= FULL_PERCENT]
            words = machine.problem or ", ".join(states + disks)
            yield Row((machine.name, machine.role.replace("-", " "), words), True)


def _clocks(report: Report, marked: Marked) -> Iterator[Row]:
    """One row for those that are right; one for each that is not, or that follows no time server."""
    asked = [machine for machine in report.machines if not machine.problem]
    followed = [machine.clock_milliseconds for machine in asked if machine.clock_milliseconds is not None]
    hosts = sum(machine.clock.startswith(HOST_CLOCK) for machine in asked)
    if followed:
        yield Row((f"{len(followed)} follow a time server", f"{max(followed):.1f} ms off at most"))
    if hosts:
        yield Row((f"{hosts} are their hosts'", "containers: the clock is not their own"))
    for machine in asked:
        wrong = ("clocks", machine.name) in marked
        if wrong or (machine.clock_milliseconds is None and not machine.clock.startswith(HOST_CLOCK)):
            yield Row((machine.name, machine.clock or "not known"), True)


def _rollout(report: Report, _: Marked) -> Iterator[Row]:
    """What a change has reached: versions, and the nodes that are being changed."""
    for one in report.rollout:
        yield Row((f"{one.of} {one.before} -> {one.after}", f"{one.done} of {one.count} {one.noun}"))
    for node in report.nodes or ():
        if node.change:
            since = f"for {duration(int(report.time - node.change.since))}" if node.change.since else ""
            yield Row((node.name, node.change.what, since), report.time - node.change.since > STALLED)
    if any(one.of in ("Kubernetes", "etcd") for one in report.rollout):
        for backup in report.backups:
            if backup.of == "etcd" and not backup.problem:
                # Whether there is a way back. A snapshot of last week's upgrade is none.
                fresh = backup.upgrade is not None and backup.upgrade <= DAY
                words = f"{duration(backup.upgrade or 0)} old" if fresh else "none: `paas etcd snapshot` takes one"
                yield Row(("snapshot of etcd before it", words), not fresh)


def _drift(report: Report, _: Marked) -> Iterator[Row]:
    """What differs from the outputs, as far as it was asked."""
    nodes = {node.name for node in report.nodes or ()}
    roles = {machine.name for machine in report.machines if machine.role in ("control-plane", "worker")}
    found = {
        "machines that are another instance": [machine.name for machine in report.machines if machine.stranger],
        "nodes that are not machines of the stack": sorted(nodes - roles),
        "machines that are not nodes": sorted(roles - nodes) if report.nodes is not None else [],
        "etcd members that are not machines of the stack": report.etcd.strangers,
        "machines that are not etcd members": report.etcd.missing,
        "cordoned by hand": [node.name for node in report.nodes or () if node.cordoned and not node.change],
        "restart wanted by a package": [machine.name for machine in report.machines if machine.wants_restart],
    }
    for what, names in found.items():
        if names:
            yield Row((what, ", ".join(names)))
    if not any(found.values()):
        yield Row(("none seen in machines, members and nodes",))
    yield Row(("every resource: `pulumi preview --refresh --expect-no-changes`",))


def _support(report: Report, _: Marked) -> Iterator[Row]:
    """Red near its end, but never a problem: no platform becomes unhealthy on that day."""
    if report.kubernetes:
        words = support_ends(report.kubernetes, datetime.fromtimestamp(report.time, UTC).date())
        yield Row((f"Kubernetes {report.kubernetes}", words or f"gets fixes until {report.end_of_life}"), bool(words))
