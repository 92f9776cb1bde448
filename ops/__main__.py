"""Before and after `pulumi up`, from the command line: `python -m ops --help` names every command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from ops import explain, logs, protected
from ops.database import cli as database
from ops.doctor import cli as doctor
from ops.drill import cli as drill
from ops.etcd import cli as etcd
from ops.init import cli as init
from ops.preview_comment import cli as preview_comment
from ops.preview_comment.changes import PreviewError
from ops.proof import screen
from ops.proof.checks import Prover
from ops.protected import ProtectionError
from ops.recover import command as recover
from ops.recover.errors import RecoverError
from ops.shared import outputs as stack_outputs
from ops.shared import session
from ops.shared.cluster import Cluster
from ops.shared.outputs import OutputsError
from ops.shared.ssh import Ssh, SshError
from ops.status import cli as status
from ops.timeline import report as timeline_report
from ops.timeline import steps as timeline
from ops.topology import cli as topology


def parser() -> argparse.ArgumentParser:
    """All subcommands and their options."""
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", help="name of the stack (default: the selected one)")
    stack.add_argument("--outputs", type=Path, metavar="FILE", help="read the outputs from a JSON file instead")

    top = argparse.ArgumentParser(prog="python -m ops", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    init.add(commands)
    doctor.add(commands)
    proof = commands.add_parser("proof", parents=[stack], help="prove that the platform works, on one screen")
    proof.add_argument("--json", action="store_true", help="print JSON")
    proof.add_argument("--wait", type=float, default=90, metavar="SECONDS", help="how long a check may take to pass")
    kubeconfig = commands.add_parser("kubeconfig", parents=[stack], help="print the administrator's kubeconfig")
    kubeconfig.add_argument("--output", type=Path, metavar="FILE", help="write it there instead, for the owner only")
    ssh = commands.add_parser("ssh", parents=[stack], help="a shell, or a command, on a machine; without one: which")
    ssh.add_argument("machine", nargs="?", default="", help="its name, with or without the cluster's before it")
    ssh.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    bench = commands.add_parser("timeline", help="what took how long in a run of the engine, and its critical path")
    bench.add_argument("log", type=Path, help="the engine's event log (pulumi up --event-log FILE)")
    bench.add_argument("--state", type=Path, help="`pulumi stack export` of that stack, for the dependencies")
    bench.add_argument("--svg", type=Path, metavar="FILE", help="draw the picture there")
    bench.add_argument("--title", default="", help="title of the picture")
    why = commands.add_parser("explain", help="why a run of the engine failed, with the machines' console logs")
    why.add_argument("log", type=Path, help="the engine's event log")
    why.add_argument("--cluster", required=True, help="name of the cluster, the prefix of its machines")
    status.add(commands)
    logs.add(commands)
    topology.add(commands)
    recover.add(commands)
    protected.add(commands)
    drill.add(commands)
    etcd.add(commands)
    database.add(commands)
    preview_comment.add(commands)
    return top


def prove(arguments: argparse.Namespace, console: Console) -> int:
    """0 when every check passed."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    with Ssh(outputs) as ssh:
        checks = Prover(outputs, Cluster(outputs), ssh, arguments.wait).run()
    if arguments.json:
        sys.stdout.write(screen.as_json(outputs, checks) + "\n")
    else:
        screen.show(console, outputs, checks, arguments.stack or "")
    for check in checks:
        if not check.passed:
            sys.stderr.write(f"proof failed: {check.name}: {check.summary}\n")
    return 0 if all(check.passed for check in checks) else 1


def write_kubeconfig(arguments: argparse.Namespace) -> int:
    """To standard output, or to a file that only its owner may read."""
    text = stack_outputs.load(arguments.stack, arguments.outputs).kubeconfig
    if arguments.output:
        arguments.output.touch(mode=0o600)
        arguments.output.chmod(0o600)
        arguments.output.write_text(text)
        sys.stderr.write(f"export KUBECONFIG={arguments.output.absolute()}\n")
    else:
        sys.stdout.write(text + "\n")
    return 0


def open_ssh(arguments: argparse.Namespace) -> int:
    """The exit status of the session; without a machine a list of all."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    if not arguments.machine:
        for machine in outputs.inventory:
            sys.stdout.write(
                f"{outputs.short(machine):<28} {machine.address:<16} {machine.public_address}".rstrip() + "\n"
            )
        return 0
    return session.run(outputs, outputs.machine(arguments.machine), arguments.words)


def show_timeline(arguments: argparse.Namespace, console: Console) -> int:
    """The table, and the picture when asked for."""
    run = timeline.read(arguments.log, arguments.state)
    timeline_report.show(console, run)
    if arguments.svg:
        arguments.svg.write_text(timeline_report.picture(run, arguments.title))
    return 0


def main(words: list[str] | None = None) -> int:
    """Runs one subcommand; known errors become one line and status 2."""
    arguments = parser().parse_args(words)
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        if arguments.command == "init":
            return init.run(arguments)
        if arguments.command == "doctor":
            return doctor.run(arguments)
        if arguments.command == "proof":
            return prove(arguments, console)
        if arguments.command == "status":
            return status.run(arguments)
        if arguments.command == "logs":
            return logs.run(arguments)
        if arguments.command == "topology":
            return topology.run(arguments)
        if arguments.command == "kubeconfig":
            return write_kubeconfig(arguments)
        if arguments.command == "ssh":
            return open_ssh(arguments)
        if arguments.command == "explain":
            return explain.main(arguments.log, arguments.cluster)
        if arguments.command == "recover":
            return recover.run(arguments)
        if arguments.command == "drill":
            return drill.run(arguments)
        if arguments.command == "protected":
            return protected.run(arguments)
        if arguments.command == "etcd":
            return etcd.run(arguments)
        if arguments.command == "database":
            return database.run(arguments)
        if arguments.command == "preview-comment":
            return preview_comment.run(arguments)
        return show_timeline(arguments, console)
    except (OutputsError, ProtectionError, PreviewError, RecoverError, SshError, timeline.TimelineError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
