"""Starts and stops one LXC container by its UUID, and reads its state and LXC's errors."""

import contextlib
import os

from nova.virt.openstack_paas_lab import cgroups, paths
from oslo_concurrency import processutils

# Seconds that a container may take until its first process runs.
START_LIMIT = 30


class StartFailed(Exception):
    """The container's first process did not run; the message is LXC's last error."""


def lxc(tool: str, uuid: str, *arguments: str) -> str:
    """Run an lxc-* program on a container and return its output."""
    output, _ = processutils.execute(f"lxc-{tool}", "-P", str(paths.instances()), "-n", uuid, *arguments)
    return str(output).strip()


def uuids() -> list[str]:
    """Every container of this host."""
    return [config.parent.name for config in paths.instances().glob("*/config")]


def exists(uuid: str) -> bool:
    """Whether the container is defined here."""
    return (paths.folder(uuid) / "config").exists()


def state(uuid: str) -> str | None:
    """Its state as LXC names it, or None when LXC does not know it."""
    try:
        return lxc("info", uuid, "-s", "-H")
    except (processutils.ProcessExecutionError, OSError):
        return None


def first_process(uuid: str) -> str:
    """The process id of its init."""
    return lxc("info", uuid, "-p", "-H")


def start(uuid: str) -> None:
    """Start it, after removing what an earlier run left behind. Raises StartFailed with LXC's own message."""
    if state(uuid) == "RUNNING":
        return
    cgroups.remove(cgroups.of_containers([uuid]))
    for name in ("console.log", "lxc.log"):
        (paths.folder(uuid) / name).unlink(missing_ok=True)
    try:
        lxc("start", uuid, "-d")
        lxc("wait", uuid, "-s", "RUNNING", "-t", str(START_LIMIT))
    except processutils.ProcessExecutionError as error:
        stop(uuid)
        raise StartFailed(_first_errors(uuid) or error.stderr or str(error)) from error


def stop(uuid: str, grace: int = 0) -> None:
    """Stop it: ask, wait for `grace` seconds, then kill. Does nothing when it is not running."""
    with contextlib.suppress(processutils.ProcessExecutionError):
        lxc("stop", uuid, *(["-t", str(grace)] if grace else ["-k"]))
    if grace and state(uuid) not in ("STOPPED", None):
        with contextlib.suppress(processutils.ProcessExecutionError):
            lxc("stop", uuid, "-k")
    cgroups.remove(cgroups.of_containers([uuid]))


def console(uuid: str, limit: int = 100_000) -> bytes:
    """The last bytes of its console."""
    with contextlib.suppress(OSError), (paths.folder(uuid) / "console.log").open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - limit))
        return file.read()
    return b""


def _first_errors(uuid: str, count: int = 2) -> str:
    """The first errors in LXC's log: the cause; those that follow are its consequences. nova keeps 255 characters."""
    with contextlib.suppress(OSError):
        lines = (paths.folder(uuid) / "lxc.log").read_text(errors="replace").splitlines()
        errors = [line.rsplit(" - ", 1)[-1].strip() for line in lines if " ERROR " in line]
        return "; ".join(errors[:count])
    return ""
