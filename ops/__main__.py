"""Commands for before and after `pulumi up`."""

import argparse
import sys
from pkgutil import resolve_name
from typing import Final

from ops.shared.errors import OpsError

#: In the order of `paas --help`: the function that adds each command's parser, with its options and what runs it.
COMMANDS: Final = {
    "init": "ops.init.command:add",
    "doctor": "ops.doctor:add",
    "proof": "ops.proof.cli:add",
    "kubeconfig": "ops.access:add_kubeconfig",
    "ssh": "ops.access:add_ssh",
    "timeline": "ops.timeline.command:add",
    "explain": "ops.explain:add",
    "status": "ops.status.command:add",
    "logs": "ops.access:add_logs",
    "topology": "ops.topology:add",
    "recover": "ops.recover.cli:add",
    "protected": "ops.protected:add",
    "drill": "ops.drill.cli:add",
    "etcd": "ops.etcd.cli:add",
    "database": "ops.database.cli:add",
    "preview-comment": "ops.preview_comment.command:add",
}


def parser(command: str = "") -> argparse.ArgumentParser:
    """The options of one command, or of all when there is none of that name.

    Only what a command needs is imported: some clients take long to import.
    """
    top = argparse.ArgumentParser(prog="paas", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for name in [command] if command in COMMANDS else COMMANDS:
        resolve_name(COMMANDS[name])(commands)
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
