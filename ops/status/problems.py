"""What counts as unhealthy. Pure rules over a report; each problem names the page that helps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ops.status.certificates import DAY, date
from ops.status.database import MOST_LAG
from ops.status.report import Report

#: A certificate that ends within so many days is a problem, or within a fifth of a shorter life: `pulumi up` and the
#: kubelets renew theirs long before.
EXPIRY_DAYS = 30
#: From this percentage on a file system is too full, and so is a database of etcd, of its quota.
FULL_PERCENT = 90
#: A read of etcd that takes this long, in milliseconds: elections begin at 1000 (settings, etcd.electionMilliseconds).
SLOW_MILLISECONDS = 1000.0
#: A clock that is further off, in milliseconds (agent/system/time_sync.py).
CLOCK_MILLISECONDS = 500.0
#: A node that has been changing for so long, in seconds: a drain's own limit ends it long before.
STALLED = 3600.0
#: What completes a change that stopped.
CONTINUES = "`pulumi up` continues it"

_PAGES = {"gateway": "gateway", "etcd": "etcd-member", "control-plane": "control-plane", "worker": "worker"}


@dataclass(frozen=True)
class Problem:
    """`area` is a part of the screen, `subject` a row of it, `page` one of docs/runbooks (empty: none helps)."""

    area: str
    subject: str
    text: str
    page: str = ""

    @property
    def runbook(self) -> str:
        """The page's path in the project."""
        return f"docs/runbooks/{self.page}.md" if self.page else ""

    def __str__(self) -> str:
        return f"{self.area}: {self.subject}: {self.text}" if self.subject else f"{self.area}: {self.text}"


#: Subject, text and page of each problem of an area.
Found: TypeAlias = Iterator[tuple[str, str, str]]


def find(report: Report) -> list[Problem]:
    """Every problem, in the order of the screen."""
    rules = {
        "machines": _machines,
        "clocks": _clocks,
        "API": _api,
        "gateways": _gateways,
        "etcd": _etcd,
        "nodes": _nodes,
        "rollout": _rollout,
        "pods": _pods,
        "database": _database,
        "certificates": _certificates,
        "backups": _backups,
    }
    return [Problem(area, *found) for area, rule in rules.items() for found in rule(report)]


def _machines(report: Report) -> Found:
    for machine in report.machines:
        page = _PAGES.get(machine.role, "")
        if machine.problem:
            yield machine.name, f"not reached: {machine.problem}", page
        if machine.stranger:
            yield (
                machine.name,
                "a different instance from the one in the outputs: `pulumi up --refresh` reconciles them",
                page,
            )
        for unit, state in machine.services.items():
            if state != "active":
                yield machine.name, f"{unit} is {state}", "failed-backup" if unit.endswith(".timer") else page
        for path, percent in machine.disks.items():
            if percent >= FULL_PERCENT:
                yield machine.name, f"{path} is {percent} % full", "full-disk"


def _clocks(report: Report) -> Found:
    # One that follows no server is no problem yet: a closed site may have none.
    for machine in report.machines:
        if (machine.clock_milliseconds or 0) > CLOCK_MILLISECONDS:
            yield machine.name, f"its clock is {machine.clock}", _PAGES.get(machine.role, "")


def _api(report: Report) -> Found:
    servers, problem = report.api.servers, report.api.problem
    if problem:
        # When a server is ready, it is the way to it that fails.
        etcd_lost = any("etcd" in wrong for wrong in servers.values())
        page = "gateway" if "" in servers.values() else "etcd-restore" if etcd_lost else "control-plane"
        yield "", f"{report.api.endpoint} does not answer: {problem}", page
    away = {machine.name for machine in report.machines if machine.problem}
    for name, wrong in servers.items():
        if wrong and name not in away:
            yield name, f"its API server is not ready: {wrong}", "control-plane"
    for question, why in report.not_asked.items() if not problem else ():
        yield "", f"it does not list {question}: {why}", "control-plane"


def _gateways(report: Report) -> Found:
    holders = [gateway.name for gateway in report.gateways if gateway.holds]
    silent = [gateway.name for gateway in report.gateways if gateway.problem]
    if len(holders) > 1:
        yield "", f"{' and '.join(holders)} hold the virtual addresses", "network-partition"
    elif report.gateways and not holders:
        unless = f", unless {' or '.join(silent)} does, which cannot be asked" if silent else ""
        yield "", f"no gateway holds the virtual addresses{unless}", "gateway"


def _etcd(report: Report) -> Found:
    away = {machine.name for machine in report.machines if machine.problem}
    members = report.etcd.members
    lost = sum(bool(member.problem or member.unhealthy) for member in members) > len(members) // 2
    page = "etcd-restore" if lost else "etcd-member"
    for member in members:
        if member.name in away:
            continue
        if member.problem:
            yield member.name, f"it does not answer: {member.problem}", page
        if member.unhealthy:
            yield member.name, f"unhealthy: {member.unhealthy}", page
        if member.learner:
            yield member.name, "a learner: it has no vote until it has caught up", page
        for alarm in member.alarms:
            yield member.name, f"alarm {alarm}", "full-disk" if alarm == "NOSPACE" else page
        if member.quota and member.size >= member.quota * FULL_PERCENT / 100:
            yield member.name, f"its database uses {100 * member.size / member.quota:.0f} % of its quota", "full-disk"
        if member.milliseconds is not None and member.milliseconds >= SLOW_MILLISECONDS:
            yield member.name, f"slow: a read takes {member.milliseconds / 1000:.1f} s", page
    # A member that knows a leader, which is then one that did not answer, is not without one.
    answering = [member for member in members if not member.problem]
    if answering and not any(member.leads or member.has_leader for member in answering):
        yield "", "no member leads", "etcd-restore"
    for name in report.etcd.strangers:
        yield name, "a member that is not a machine of this stack", "etcd-member"
    for name in report.etcd.missing:
        yield name, "not in the list of members", "etcd-member"


def _nodes(report: Report) -> Found:
    if report.nodes is None:
        return
    roles = {machine.name: machine.role for machine in report.machines if machine.role in ("control-plane", "worker")}
    for name in sorted(roles.keys() - {node.name for node in report.nodes}):
        yield name, "not a node of the cluster", _PAGES[roles[name]]
    for node in report.nodes:
        page = _PAGES[roles.get(node.name, node.role)]
        if node.name not in roles:
            yield node.name, "a node that is not a machine of this stack", page
        if not node.ready:
            yield node.name, f"not Ready: {node.reason}", page
        if node.change and report.time - node.change.since > STALLED:
            yield node.name, f"its change has not ended ({node.change.what}): {CONTINUES}", page
        for condition in node.conditions:
            yield node.name, condition, "full-disk" if condition == "DiskPressure" else page


def _rollout(report: Report) -> Found:
    # While a node is being changed, nobody has to do anything.
    if not any(node.change for node in report.nodes or ()):
        for progress in report.rollout:
            yield "", f"{progress}: {CONTINUES}", "failed-up"


def _pods(report: Report) -> Found:
    # What is on a lost node waits for it, or is replaced elsewhere: the node is the problem.
    lost = {node.name for node in report.nodes or () if not node.ready}
    for pod in report.pods.others if report.pods else ():
        if pod.bad and pod.node not in lost:
            yield f"{pod.namespace}/{pod.name}", f"{pod.state}: {pod.reason or 'no reason given'}", "pods"


def _database(report: Report) -> Found:
    for member in report.database:
        late = f"{member.lag} s behind the primary" if (member.lag or 0) > MOST_LAG else ""
        read_only = "the primary takes no writes" if member.role == "primary" and not member.writes else ""
        if text := member.problem or member.error or read_only or late:
            yield member.name, text, "mariadb-primary"


def _certificates(report: Report) -> Found:
    for one in report.certificates:
        where = f"{one.machine}: {one.file}" if one.machine else "of the outputs"
        if one.ends <= report.time:
            yield one.kind, f"{where} expired on {date(one.ends)}", "certificates"
        elif one.ends - report.time < min(EXPIRY_DAYS * DAY, (one.ends - one.begins) / 5):
            yield one.kind, f"{where} expires on {date(one.ends)}, in {one.days_left(report.time)} days", "certificates"
    for text in report.unreadable:
        yield "", text, "certificates"


def _backups(report: Report) -> Found:
    for backup in report.backups:
        for text in filter(None, [backup.problem, *backup.wrong]):
            yield backup.of, text, "failed-backup"
