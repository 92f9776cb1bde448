"""Runs the checks of the proof and prints what they found."""

from __future__ import annotations

import argparse
import sys

from ops.proof import screen
from ops.proof.checks import Prover
from ops.shared import outputs as stack_outputs
from ops.shared.cluster import Cluster
from ops.shared.options import console
from ops.shared.ssh import Ssh


def run(arguments: argparse.Namespace) -> int:
    """0 when every check passed, otherwise 1."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    with Ssh(outputs) as ssh:
        checks = Prover(outputs, Cluster(outputs), ssh, arguments.wait).run()
    if arguments.json:
        sys.stdout.write(screen.as_json(outputs, checks) + "\n")
    else:
        screen.show(console(), outputs, checks, arguments.stack or "")
    failed = [check for check in checks if not check.passed]
    for check in failed:
        sys.stderr.write(f"proof failed: {check.name}: {check.summary}\n")
    return 1 if failed else 0
