"""Runs the checks of the proof and prints what they found: one screen, or JSON."""

import argparse
import json
import sys
from dataclasses import asdict

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ops.proof.checks import Check, Prover
from ops.shared import outputs as stack_outputs
from ops.shared.cluster import Cluster
from ops.shared.options import add_outputs, console
from ops.shared.outputs import Outputs
from ops.shared.ssh import Ssh


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_outputs(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--wait", type=float, default=90, metavar="SECONDS", help="how long a check may take to pass")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when every check passed, otherwise 1."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    with Ssh(outputs) as ssh:
        checks = Prover(outputs, Cluster(outputs), ssh, arguments.wait).run()
    if arguments.json:
        sys.stdout.write(as_json(outputs, checks) + "\n")
    else:
        show(console(), outputs, checks, arguments.stack or "")
    failed = [check for check in checks if not check.passed]
    for check in failed:
        sys.stderr.write(f"proof failed: {check.name}: {check.summary}\n")
    return 1 if failed else 0


def as_json(outputs: Outputs, checks: list[Check]) -> str:
    """JSON for programs; holds no secret."""
    document = {
        "passed": all(check.passed for check in checks),
        "apiEndpoint": outputs.api_endpoint,
        "versions": dict(outputs.versions),
        "checks": [asdict(check) for check in checks],
    }
    return json.dumps(document, indent=2)


def _checks(checks: list[Check]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for check in checks:
        mark = Text("passed", "bold green") if check.passed else Text("FAILED", "bold red")
        detail = Text(check.summary, "bold" if check.passed else "bold red")
        for line in check.lines:
            detail.append(f"\n{line}", "dim" if check.passed else "red")
        table.add_row(mark, Text(check.name, "bold"), detail)
    return table


def _next_steps(outputs: Outputs, stack: str) -> Table:
    some = next((machine.name for machine in outputs.inventory if machine.role == "control-plane"), "NAME")
    steps = [
        ("Kubernetes", "paas kubeconfig --output kubeconfig && kubectl --kubeconfig kubeconfig get nodes"),
        ("A machine", f"paas ssh {some}"),
    ]
    if outputs.database:
        pod = f"-n {outputs.database.namespace} exec -it {outputs.database.primary} -c mariadb"
        client = "mariadb --defaults-file=/run/mysqld/client.cnf"
        steps.append(("Database", f"kubectl --kubeconfig kubeconfig {pod} -- {client}"))
        steps.append(("", f"{outputs.database.service}:{outputs.database.port} from a pod"))
    steps.append(("Remove all", "make destroy" if stack == "lab" else "pulumi destroy"))
    table = Table.grid(padding=(0, 2))
    for title, command in steps:
        table.add_row(Text(title, "dim"), Text(command))
    return table


def show(screen: Console, outputs: Outputs, checks: list[Check], stack: str) -> None:
    """Print the result for people; a failed proof ends with its failures, not with next steps."""
    versions = "  ".join(f"{name} {version}" for name, version in outputs.versions.items())
    head = Text(f"{outputs.api_endpoint}   {versions}", "cyan")
    parts: list[RenderableType] = [head, Text(), _checks(checks), Text()]
    failed = [check.name for check in checks if not check.passed]
    if failed:
        parts.append(Text(f"Not proven: {', '.join(failed)}", "bold red"))
    else:
        parts += [
            Text(f"Next steps (after `source dev/scripts/environment.sh {stack or 'STACK'}`)", "bold"),
            _next_steps(outputs, stack),
        ]
    screen.print(Panel(Group(*parts), title="openstack-paas", border_style="red" if failed else "green"))
