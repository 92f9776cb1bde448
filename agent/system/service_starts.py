"""Packages do not start their services on installation: they would run with settings that are not ours."""

import contextlib
from collections.abc import Iterator
from typing import Final

from agent.machine import Machine
from agent.system import dpkg, files

#: What invoke-rc.d asks (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt).
POLICY: Final = "/usr/sbin/policy-rc.d"
_OURS: Final = "openstack-paas:"
_NOTHING_STARTS: Final = f"""\
#!/bin/sh
# {_OURS} invoke-rc.d starts nothing while this file stands as {POLICY}.
exit 101
"""


@contextlib.contextmanager
def no_service_starts(machine: Machine) -> Iterator[None]:
    """Nothing is started or restarted by packages. A policy of somebody else's stays, and is in force alone."""
    path = machine.path(POLICY)
    if path.exists() and not _is_ours(machine):
        yield
        return
    try:
        files.write(path, _NOTHING_STARTS, 0o755)
        yield
    except BaseException:
        allow_service_starts(machine)
        raise
    path.unlink(missing_ok=True)


def allow_service_starts(machine: Machine) -> None:
    """Packages may start their services again, after a run that was stopped.

    Not while dpkg runs: it outlives an apt that is stopped, and would start services with settings that are not ours.
    """
    if _is_ours(machine):
        if dpkg.is_running(machine):
            machine.log("dpkg still runs here: until the next run, packages start no services")
        else:
            machine.path(POLICY).unlink()


def _is_ours(machine: Machine) -> bool:
    path = machine.path(POLICY)
    return path.is_file() and _OURS.encode() in path.read_bytes()
