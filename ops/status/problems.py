"""What counts as unhealthy. Pure rules over a report; each problem names the page that helps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ops.status.certificates import DAY, Certificate, date
from ops.status.database import MOST_LAG
from ops.status.report import Report

#: A certificate that ends within so many days is a problem, or within a fifth of a shorter life: `pulumi up` and the
#: kubelets renew theirs long before.
EXPIRY_DAYS = 30
#: A file system that is fuller, in percent, or a database of etcd that is, of its quota.
FULL_PERCENT = 90
#: A read of etcd that takes longer, in milliseconds: elections begin at 1000 (settings, etcd.electionMilliseconds).
SLOW_MILLISECONDS = 1000.0

#: A node that has been changed for so long, in seconds: a drain's own limit ends it long before.
STALLED = 3600.0
#: What makes the rest of a change that stopped.
GOES_ON = "`pulumi up` continues it"

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


def find(report: Report) -> list[Problem]:
    """Every problem, in the order of the screen."""
    rules = (_machines, _api, _gateways, _etcd, _nodes, _rollout, _pods, _database, _certificates, _backups)
    return [problem for rule in rules for problem in rule(report)]


def _machines(report: Report) -> Iterator[Problem]:
    for machine in report.machines:
        page = _PAGES.get(machine.role, "")
        if machine.problem:
            yield Problem("machines", machine.name, f"not reached: {machine.problem}", page)
        if machine.stranger:
            text = "another instance than the stack's outputs say: `pulumi up --refresh` makes them agree"
            yield Problem("machines", machine.name, text, page)
        for unit, state in machine.services.items():
            if state != "active":
                where = "failed-backup" if unit.endswith(".timer") else page
                yield Problem("machines", machine.name, f"{unit} is {state}", where)
        for path, percent in machine.disks.items():
            if percent >= FULL_PERCENT:
                yield Problem("machines", machine.name, f"{path} is full to {percent} %", "full-disk")


def _api(report: Report) -> Iterator[Problem]:
    ready = [name for name, wrong in report.api.servers.items() if not wrong]
    if report.api.problem:
        # With servers that are ready it is the way to them.
        etcd_lost = any("etcd" in wrong for wrong in report.api.servers.values())
        page = "gateway" if ready else "etcd-restore" if etcd_lost else "control-plane"
        yield Problem("API", "", f"{report.api.endpoint} does not answer: {report.api.problem}", page)
    away = {machine.name for machine in report.machines if machine.problem}
    for name, wrong in report.api.servers.items():
        if wrong and name not in away:
            yield Problem("API", name, f"its API server is not ready: {wrong}", "control-plane")
    if not report.api.problem:
        for question, why in report.not_asked.items():
            yield Problem("API", "", f"it does not tell {question}: {why}", "control-plane")


def _gateways(report: Report) -> Iterator[Problem]:
    if not report.gateways:
        return
    holders = [gateway.name for gateway in report.gateways if gateway.holds]
    silent = [gateway.name for gateway in report.gateways if gateway.problem]
    if len(holders) > 1:
        yield Problem("gateways", "", f"{' and '.join(holders)} hold the virtual addresses", "network-partition")
    elif not holders:
        unless = f", unless {' or '.join(silent)} does, which cannot be asked" if silent else ""
        yield Problem("gateways", "", f"no gateway holds the virtual addresses{unless}", "gateway")


def _etcd(report: Report) -> Iterator[Problem]:
    away = {machine.name for machine in report.machines if machine.problem}
    members = report.etcd.members
    lost = sum(bool(member.problem or member.unhealthy) for member in members) > len(members) // 2
    page = "etcd-restore" if lost else "etcd-member"
    for member in members:
        if member.name in away:
            continue
        if member.problem:
            yield Problem("etcd", member.name, f"it does not answer: {member.problem}", page)
            continue
        if member.unhealthy:
            yield Problem("etcd", member.name, f"unhealthy: {member.unhealthy}", page)
        if member.learner:
            yield Problem("etcd", member.name, "a learner: it has no vote until it has caught up", page)
        for alarm in member.alarms:
            yield Problem("etcd", member.name, f"alarm {alarm}", "full-disk" if alarm == "NOSPACE" else page)
        if member.quota and member.size >= member.quota * FULL_PERCENT / 100:
            percent = f"{100 * member.size / member.quota:.0f} %"
            yield Problem("etcd", member.name, f"its database has {percent} of the size that it may have", "full-disk")
        if member.milliseconds is not None and member.milliseconds >= SLOW_MILLISECONDS:
            yield Problem("etcd", member.name, f"slow: a read takes {member.milliseconds / 1000:.1f} s", page)
    if members and not any(member.leads for member in members) and not all(member.problem for member in members):
        leader_may_be_away = any(member.has_leader for member in members)
        if not leader_may_be_away:
            yield Problem("etcd", "", "no member leads", "etcd-restore")
    for name in report.etcd.strangers:
        yield Problem("etcd", name, "a member that is not a machine of this stack", "etcd-member")
    for name in report.etcd.missing:
        yield Problem("etcd", name, "not in the list of members", "etcd-member")


def _nodes(report: Report) -> Iterator[Problem]:
    if report.nodes is None:
        return
    roles = {machine.name: machine.role for machine in report.machines if machine.role in ("control-plane", "worker")}
    found = {node.name: node for node in report.nodes}
    for name in sorted(roles.keys() - found.keys()):
        yield Problem("nodes", name, "not a node of the cluster", _PAGES[roles[name]])
    for node in report.nodes:
        page = _PAGES[roles.get(node.name, node.role)]
        if node.name not in roles:
            yield Problem("nodes", node.name, "a node that is not a machine of this stack", page)
        if not node.ready:
            yield Problem("nodes", node.name, f"not Ready: {node.reason}", page)
        if node.change and report.time - node.change.since > STALLED:
            yield Problem("nodes", node.name, f"its change has not ended ({node.change.what}): {GOES_ON}", page)
        for condition in node.conditions:
            yield Problem("nodes", node.name, condition, "full-disk" if condition == "DiskPressure" else page)


def _rollout(report: Report) -> Iterator[Problem]:
    # While a machine is being changed there is nobody who should do anything.
    changing = any(node.change for node in report.nodes or ())
    for progress in report.rollout if not changing else ():
        yield Problem("rollout", "", f"{progress}: {GOES_ON}", "failed-up")


def _pods(report: Report) -> Iterator[Problem]:
    # What is on a lost node waits for it, or is made again elsewhere: the node is the problem.
    lost = {node.name for node in report.nodes or () if not node.ready}
    for pod in report.pods.others if report.pods else ():
        if pod.bad and pod.node not in lost:
            why = pod.reason or "no reason given"
            yield Problem("pods", f"{pod.namespace}/{pod.name}", f"{pod.state}: {why}", "pods")


def _database(report: Report) -> Iterator[Problem]:
    for member in report.database:
        page = "mariadb-primary"
        if member.problem or member.error:
            yield Problem("database", member.name, member.problem or member.error, page)
        elif member.role == "primary" and not member.writes:
            yield Problem("database", member.name, "the primary takes no writes", page)
        elif member.lag is not None and member.lag > MOST_LAG:
            yield Problem("database", member.name, f"{member.lag} s behind the primary", page)


def _certificates(report: Report) -> Iterator[Problem]:
    for one in report.certificates:
        where = f"{one.machine}: {one.file}" if one.machine else "of the outputs"
        if one.ends <= report.time:
            yield Problem("certificates", one.kind, f"{where} has ended on {date(one.ends)}", "certificates")
        elif one.ends - report.time < _notice(one):
            days = one.days_left(report.time)
            yield Problem("certificates", one.kind, f"{where} ends on {date(one.ends)}, in {days} days", "certificates")
    for text in report.unreadable:
        yield Problem("certificates", "", text, "certificates")


def _notice(one: Certificate) -> float:
    """Seconds before its end from which on it is a problem."""
    return min(EXPIRY_DAYS * DAY, (one.ends - one.begins) / 5)


def _backups(report: Report) -> Iterator[Problem]:
    for backup in report.backups:
        for text in filter(None, [backup.problem, *backup.wrong]):
            yield Problem("backups", backup.of, text, "failed-backup")
