"""Commands for before and after `pulumi up`."""

from __future__ import annotations

import argparse
import sys

from ops import explain, kubeconfig, logs, protected, ssh, topology
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

#: In the order of `paas --help`. Each has `add`, which names its options and the function that runs it.
COMMANDS = (
    init,
    doctor,
    proof,
    kubeconfig,
    ssh,
    timeline,
    explain,
    status,
    logs,
    topology,
    recover,
    protected,
    drill,
    etcd,
    database,
    preview_comment,
)


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="paas", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add(commands)
    return top


def main(words: list[str] | None = None) -> int:
    """Runs one command; a known error becomes one line and status 2."""
    arguments = parser().parse_args(words)
    try:
        status_code: int = arguments.func(arguments)
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return status_code


if __name__ == "__main__":
    sys.exit(main())
