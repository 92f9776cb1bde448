"""From the command line to a drill: which platform, which probes, whether it may begin, and the reports."""

import argparse
import contextlib
import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from ops.drill import drills, report, summary
from ops.drill.base import Drill
from ops.drill.power import OpenStackPower
from ops.drill.probes.database import DatabaseWrite
from ops.drill.probes.http import ApiRead, ApiWrite, Ingress, client_context
from ops.drill.probes.probe import Probe
from ops.drill.runner import Runner
from ops.drill.state_files import one_at_a_time
from ops.drill.target import Target
from ops.drill.workload import NAMESPACE, WRITES, Workload
from ops.shared import outputs as stack_outputs
from ops.shared import pulumi
from ops.shared.cluster import Cluster
from ops.shared.errors import OpsError
from ops.shared.options import add_stack, console


def make_probes(target: Target) -> list[Probe]:
    """All that fit the platform."""
    outputs = target.outputs
    host, port = outputs.api_host, urlsplit(outputs.api_endpoint).port or 443
    context = client_context(outputs.kubeconfig)
    probes: list[Probe] = [
        ApiRead(host, port, context),
        ApiWrite(host, port, context, f"/api/v1/namespaces/{NAMESPACE}/configmaps/{WRITES}"),
    ]
    if outputs.role("gateway") and outputs.role("worker"):
        probes.append(Ingress(outputs.entry_host))
    if outputs.database:
        probes.append(DatabaseWrite(target, outputs.database))
    return probes


def reason_against(target: Target, arguments: argparse.Namespace, plan: list[str], ask: Callable[[str], str]) -> str:
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
    target.away.clear()
    runner = Runner(kind(target), Workload(target), lambda: make_probes(target))
    with one_at_a_time(target.stack) as free:
        if not free:
            return runner.refuse(f"another drill of stack {target.stack} runs on this machine")
        if not runner.look():
            return runner.report
        plan = runner.report.plan
        for line in plan:
            target.say(line)
        reason = reason_against(target, arguments, plan, input)
        return runner.refuse(reason) if reason else runner.run()


def _list(known: dict[str, type[Drill]], as_json: bool) -> str:
    if as_json:
        return json.dumps({name: kind.about for name, kind in known.items()}) + "\n"
    return "".join(f"{name:<20} {kind.about}\n" for name, kind in known.items())


def _summary(file: Path | None) -> str:
    if file is None:
        raise OpsError("the summary is of a file of reports: --report FILE")
    try:
        return summary.table(summary.read(file.read_text().splitlines()))
    except (OSError, ValueError, KeyError) as error:
        raise OpsError(f"{file} is not a file of reports: {error!r}") from error


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "name", metavar="NAME", help="a drill, `all` of them, `list` them, or `summary`: medians of a file of reports"
    )
    add_stack(parser)
    parser.add_argument("--machine", default="", help="the machine to fail (default: the one felt most)")
    parser.add_argument("--delete", action="store_true", help="delete the machine; `pulumi up --refresh` replaces it")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--production", action="store_true", help="yes, on a platform for production too")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each drill")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="also add that line to FILE (for `summary`: read it)"
    )
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """The worst of the drills' statuses (ops/drill/report.py): 0 passed to 3, the platform is not healthy; 130.

    Raises OpsError for what the user must change.
    """
    known = drills.known()
    if arguments.name in ("list", "summary"):
        listed = arguments.name == "list"
        sys.stdout.write(_list(known, arguments.json) if listed else _summary(arguments.report))
        return 0
    if arguments.name != "all" and arguments.name not in known:
        raise OpsError(f"no drill is called {arguments.name}; there are: {', '.join(known)}, all")
    # Its complaints about connections that break are what the probes count.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    began = time.monotonic()

    def say(text: str) -> None:
        # When nobody reads any more, that is no reason to stop, least of all in the middle of a repair.
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{time.monotonic() - began:7.1f} s  {text}\n")

    outputs = stack_outputs.load(arguments.stack)
    power = OpenStackPower()
    stack = arguments.stack or pulumi.run("stack", "--show-name").strip()
    target = Target(outputs, stack, Cluster(outputs), power, None, arguments.delete, arguments.machine, say)
    statuses = []
    for kind in known.values() if arguments.name == "all" else [known[arguments.name]]:
        say(f"drill {kind.name}: {kind.about}")
        done = drill_one(kind, target, arguments)
        if arguments.json:
            sys.stdout.write(report.as_json(done) + "\n")
        else:
            report.show(console(), done)
        if arguments.report:
            report.append(done, arguments.report)
        if done.status in (report.NOT_RESTORED, report.INTERRUPTED):
            return done.status
        statuses.append(done.status)
    # Among all, a drill that this platform is too small for is not a failure.
    return max((status for status in statuses if status != report.REFUSED), default=report.REFUSED)
