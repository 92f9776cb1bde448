"""Commands for before and after `pulumi up`."""

import argparse
import importlib
import sys

from ops import access, explain, protected, topology
from ops.database import cli as database
from ops.doctor import cli as doctor
from ops.drill import cli as drill
from ops.etcd import cli as etcd
from ops.init import cli as init
from ops.preview_comment import cli as preview_comment
from ops.proof import cli as proof
from ops.recover import cli as recover
from ops.shared.errors import OpsError
from ops.status import cli as status
from ops.timeline import cli as timeline

#: In the order of `paas --help`. Each adds a parser: its options, and where the command is a module the function that
#: runs it (`func`).
COMMANDS = (
    init.add,
    doctor.add,
    proof.add,
    access.add_kubeconfig,
    access.add_ssh,
    timeline.add,
    explain.add,
    status.add,
    access.add_logs,
    topology.add,
    recover.add,
    protected.add,
    drill.add,
    etcd.add,
    database.add,
    preview_comment.add,
)


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="paas", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for add in COMMANDS:
        add(commands)
    return top


def main(words: list[str] | None = None) -> int:
    """Runs one command; a known error becomes one line and status 2."""
    arguments = parser().parse_args(words)
    try:
        if "func" in arguments:
            status_code: int = arguments.func(arguments)
        else:
            # A package's libraries may take a second to load, and no other command should wait for that.
            status_code = importlib.import_module(f"ops.{arguments.command}.command").run(arguments)
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return status_code


if __name__ == "__main__":
    sys.exit(main())
