"""From the command line to a drill: which platform, which probes, whether it may begin, and the reports."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import ssl
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import urlsplit

import yaml

from ops.drill import drills, report, summary
from ops.drill.drill import Drill
from ops.drill.lock import one_at_a_time
from ops.drill.machines import OpenStackPower
from ops.drill.probes.api import ApiRead
from ops.drill.probes.database import DatabaseWrite
from ops.drill.probes.ingress import Ingress
from ops.drill.probes.probe import Probe
from ops.drill.probes.writes import ApiWrite
from ops.drill.runner import Refusal, Runner
from ops.drill.target import Target
from ops.drill.waiting import DrillError
from ops.drill.workload import NAMESPACE, WRITES, Workload
from ops.shared import outputs as stack_outputs
from ops.shared import pulumi
from ops.shared.cluster import Cluster
from ops.shared.options import console


def tls(kubeconfig: str) -> ssl.SSLContext:
    """What a client needs that acts as the kubeconfig's user. The key is on disk only while it is read."""
    document = yaml.safe_load(kubeconfig)
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    context = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile(prefix="openstack-paas-drill-") as pair:
        pair.write(b64decode(user["client-certificate-data"]) + b"\n" + b64decode(user["client-key-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


def make_probes(target: Target) -> list[Probe]:
    """All that fit the platform."""
    outputs = target.outputs
    host, port, context = outputs.api_host, urlsplit(outputs.api_endpoint).port or 443, tls(outputs.kubeconfig)
    probes: list[Probe] = [
        ApiRead(host, port, context),
        ApiWrite(host, port, context, f"/api/v1/namespaces/{NAMESPACE}/configmaps/{WRITES}"),
    ]
    if outputs.role("gateway") and outputs.role("worker"):
        probes.append(Ingress(outputs.entry_host))
    if outputs.database:
        database = outputs.database
        service = database.service.partition(".")[0]
        address = target.core.read_namespaced_service(service, database.namespace, _request_timeout=10).spec.cluster_ip
        probes.append(
            DatabaseWrite(target.cluster, database, lambda seconds: target.tunnel(address, database.port, seconds))
        )
    return probes


def may_go_on(target: Target, arguments: argparse.Namespace, plan: list[str], ask: Callable[[str], str]) -> str:
    """Why the drill must not begin, empty when it may. A production platform needs two confirmations."""
    sensitive = target.outputs.preset in ("production", "")
    if sensitive and not arguments.production:
        what = "is for production" if target.outputs.preset else "does not say what it is for"
        return f"the platform {what}: a drill there needs two confirmations: --yes (or an answer) and --production"
    if arguments.yes:
        return ""
    if not sys.stdin.isatty():
        return "nobody can be asked here: --yes says yes"
    answer = ask(f"{' '.join(plan)}\nBegin? Type the name of the stack ({target.stack}): ")
    return "" if answer.strip() == target.stack else "not confirmed"


def drill_one(kind: type[Drill], target: Target, arguments: argparse.Namespace) -> report.Report:
    """One drill from its preconditions to its report."""
    runner = Runner(kind(), target, Workload(target.cluster), lambda: make_probes(target))
    with one_at_a_time(target.stack) as free:
        if free:
            return _drill(runner, arguments)
    runner.report.status = report.REFUSED
    runner.report.problems = [f"another drill of stack {target.stack} runs on this machine"]
    return runner.report


def _drill(runner: Runner, arguments: argparse.Namespace) -> report.Report:
    target = runner.target
    target.away.clear()
    try:
        plan = runner.look()
    except Refusal:
        return runner.report
    for line in plan:
        target.say(line)
    reason = may_go_on(target, arguments, plan, input)
    if reason:
        runner.report.status, runner.report.problems = report.REFUSED, [reason]
        return runner.report
    return runner.run()


def _stack(name: str | None) -> str:
    """The name of the stack, the selected one's when none was given."""
    return name or pulumi.run("stack", "--show-name").strip()


def _list(arguments: argparse.Namespace, known: dict[str, type[Drill]]) -> int:
    if arguments.json:
        sys.stdout.write(json.dumps({name: kind.about for name, kind in known.items()}) + "\n")
    else:
        for name, kind in known.items():
            sys.stdout.write(f"{name:<20} {kind.about}\n")
    return 0


def _summary(arguments: argparse.Namespace) -> int:
    if arguments.report is None:
        sys.stderr.write("the summary is of a file of reports: --report FILE\n")
        return 2
    try:
        found = summary.read(arguments.report.read_text().splitlines())
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{arguments.report} is not a file of reports: {error!r}\n")
        return 2
    sys.stdout.write(summary.table(found))
    return 0


def run(arguments: argparse.Namespace) -> int:
    """The worst of the drills' statuses (ops/drill/report.py): 0 passed to 3, the platform is not healthy; 130."""
    known = drills.known()
    if arguments.name == "list":
        return _list(arguments, known)
    if arguments.name == "summary":
        return _summary(arguments)
    if arguments.name != "all" and arguments.name not in known:
        sys.stderr.write(f"no drill is called {arguments.name}; there are: {', '.join(known)}, all\n")
        return 2
    # Its complaints about connections that break are what the probes count.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    began = time.monotonic()

    def say(text: str) -> None:
        # Nobody reads any more: no reason to stop, least of all in the middle of a repair.
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{time.monotonic() - began:7.1f} s  {text}\n")

    outputs = stack_outputs.load(arguments.stack)
    try:
        power = OpenStackPower()
    except DrillError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    target = Target(
        outputs, _stack(arguments.stack), Cluster(outputs), power, None, arguments.delete, arguments.machine, say
    )
    worst, ran = 0, False
    for kind in known.values() if arguments.name == "all" else [known[arguments.name]]:
        say(f"drill {kind.name}: {kind.about}")
        done = drill_one(kind, target, arguments)
        if arguments.json:
            sys.stdout.write(report.as_json(done) + "\n")
        else:
            report.show(console(), done)
        if arguments.report:
            report.append(done, arguments.report)
        # Among all, a drill that this platform is too small for is not a failure.
        if done.status != report.REFUSED:
            worst, ran = max(worst, done.status), True
        if done.status in (report.NOT_RESTORED, report.INTERRUPTED):
            return done.status
    return worst if ran else report.REFUSED
