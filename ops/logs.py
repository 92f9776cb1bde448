"""`paas logs MACHINE`: the journal of what matters on a machine, without looking up address or units."""

from __future__ import annotations

import argparse
from typing import Final

from ops.shared import outputs as stack_outputs
from ops.shared import session
from ops.shared.options import Commands, add_outputs
from ops.shared.outputs import Machine, OutputsError

#: What people look for, by role. `openstack-paas` below is what `pulumi up` did on the machine (lib.sh, log).
_UNITS: Final = {
    "gateway": ("haproxy", "keepalived", "openstack-paas-edge-route"),
    "etcd": ("etcd", "openstack-paas-etcd-backup"),
    "control-plane": ("kubelet", "containerd"),
    "worker": ("kubelet", "containerd", "haproxy"),
}
_STEPS: Final = "openstack-paas"


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("logs", help="the journal of a machine's services, and of what `pulumi up` did there")
    parser.add_argument("machine")
    parser.add_argument("--unit", action="append", metavar="UNIT", help="of this unit alone (repeatable)")
    parser.add_argument("--lines", type=int, default=100, metavar="NUMBER", help="the last so many (default: 100)")
    parser.add_argument("--follow", action="store_true", help="and those that come, until Ctrl-C")
    add_outputs(parser)
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """The exit status of journalctl. Raises OutputsError, SshError."""
    outputs = stack_outputs.load(arguments.stack, arguments.outputs)
    machine = outputs.machine(arguments.machine)
    return session.run(outputs, machine, command(machine, arguments.unit or (), arguments.lines, arguments.follow))


def command(machine: Machine, units: list[str] | tuple[str, ...], lines: int, follow: bool) -> list[str]:
    """journalctl's words. Raises OutputsError for a name that no unit has: a shell on the machine reads them."""
    for unit in units:
        if not unit.replace("-", "").replace(".", "").replace("@", "").replace("_", "").isalnum():
            raise OutputsError(f"{unit}: no unit has such a name")
    words = ["sudo", "journalctl", "--no-pager", "--output=short-iso", f"--lines={lines}"]
    words += ["--follow"] if follow else []
    matches: list[str] = [] if units else [f"SYSLOG_IDENTIFIER={_STEPS}"]
    for unit in units or _UNITS.get(machine.role, ()):
        name = unit if "." in unit else f"{unit}.service"
        # Its own lines, and what systemd says of it.
        matches += [f"_SYSTEMD_UNIT={name}", f"UNIT={name}"]
    # Different fields must hold together, unless a plus stands between them.
    return words + " + ".join(matches).split()
