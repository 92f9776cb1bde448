"""Commands for before and after `pulumi up`."""

import argparse
import sys
from pkgutil import resolve_name
from typing import Final

from ops.shared.errors import OpsError

#: In the order of `paas --help`: what adds a command's options and says what runs it (`func`); what the command does.
COMMANDS: Final = {
    "init": ("ops.init.cli:add", "write the file of a new stack: a few questions, or flags"),
    "doctor": ("ops.doctor:add", "check settings, cloud and rules before `pulumi up`; changes nothing"),
    "proof": ("ops.proof.cli:add", "prove that the platform works, on one screen"),
    "kubeconfig": ("ops.access:add_kubeconfig", "print the administrator's kubeconfig"),
    "ssh": ("ops.access:add_ssh", "a shell or a command on a machine; without a machine: list them"),
    "timeline": ("ops.timeline.cli:add", "what took how long in a run of the engine, and its critical path"),
    "explain": ("ops.explain:add", "why a run of the engine failed, with the machines' console logs"),
    "status": ("ops.status.cli:add", "the whole platform on one screen, and what is wrong with it"),
    "logs": ("ops.access:add_logs", "the journal of a machine's services, and of what `pulumi up` did there"),
    "topology": ("ops.topology:add", "draw the platform: networks, addresses, machines, versions (SVG)"),
    "recover": ("ops.recover.cli:add", "clear away what a killed `pulumi up` left half made"),
    "protected": ("ops.protected:add", "what is protected from removal, and how that is lifted"),
    "drill": ("ops.drill.cli:add", "make one failure on purpose, measure it, repair it, verify that"),
    "etcd": ("ops.etcd.cli:add", "snapshots of etcd, and the way back from them"),
    "database": ("ops.database.cli:add", "backups of MariaDB, and the way back from them"),
    "preview-comment": ("ops.preview_comment.cli:add", "previews as one comment for a pull request, and the gate"),
}


def parser(command: str = "") -> argparse.ArgumentParser:
    """All commands, with the options of one.

    Only what that command needs is imported: some clients take long to import.
    """
    top = argparse.ArgumentParser(prog="paas", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for name, (add, summary) in COMMANDS.items():
        options = commands.add_parser(name, help=summary)
        if name == command:
            resolve_name(add)(options)
    return top


def main(words: list[str] | None = None) -> int:
    """Runs one command; a known error becomes one line and status 2."""
    words = sys.argv[1:] if words is None else words
    arguments = parser(*words[:1]).parse_args(words)
    try:
        status_code: int = arguments.func(arguments)
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return status_code


if __name__ == "__main__":
    sys.exit(main())
