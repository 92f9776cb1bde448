"""One LXC container by its UUID: start, stop, state, and what LXC says when it does not start."""

import contextlib
import os

import nova.conf
from nova.virt.openstack_paas_lab import cgroups, paths
from oslo_concurrency import processutils

CONF = nova.conf.CONF
# Seconds that a container may take until its first process runs.
START_LIMIT = 30


class StartFailed(Exception):
    """The container's first process did not run; the message is LXC's last error."""


def lxc(tool, uuid, *arguments, **options):
    """Run an lxc-* program on a container and return its output."""
    output, _ = processutils.execute("lxc-" + tool, "-P", CONF.instances_path, "-n", uuid, *arguments, **options)
    return output.strip()


def uuids():
    """Every container of this host."""
    with contextlib.suppress(FileNotFoundError):
        return [name for name in os.listdir(CONF.instances_path) if exists(name)]
    return []


def exists(uuid):
    """Whether the container is defined here."""
    return os.path.exists(os.path.join(paths.folder(uuid), "config"))


def state(uuid):
    """LXC's word for its state, or None when LXC cannot tell."""
    try:
        return lxc("info", uuid, "-s", "-H")
    except (processutils.ProcessExecutionError, OSError):
        return None


def first_process(uuid):
    """The process number of its init, as text."""
    return lxc("info", uuid, "-p", "-H")


def start(uuid):
    """Start it, rid of what an earlier life left behind; StartFailed with LXC's own words."""
    if state(uuid) != "RUNNING":
        cgroups.remove(uuid)
    for name in ("console.log", "lxc.log"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(paths.folder(uuid), name))
    try:
        lxc("start", uuid, "-d")
        lxc("wait", uuid, "-s", "RUNNING", "-t", str(START_LIMIT))
    except processutils.ProcessExecutionError as error:
        stop(uuid)
        raise StartFailed(_last_errors(uuid) or error.stderr or str(error)) from error


def stop(uuid, grace=0):
    """Stop it: ask and wait for `grace` seconds, then kill. Fine when it does not run."""
    with contextlib.suppress(processutils.ProcessExecutionError):
        lxc("stop", uuid, *(["-t", str(grace)] if grace else ["-k"]))
    if grace and state(uuid) not in ("STOPPED", None):
        with contextlib.suppress(processutils.ProcessExecutionError):
            lxc("stop", uuid, "-k")
    cgroups.remove(uuid)


def console(uuid, limit=100000):
    """The last bytes of its console."""
    with contextlib.suppress(OSError), open(os.path.join(paths.folder(uuid), "console.log"), "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - limit))
        return file.read()
    return b""


def _last_errors(uuid, count=2):
    with contextlib.suppress(OSError), open(os.path.join(paths.folder(uuid), "lxc.log"), errors="replace") as file:
        errors = [line.split(" - ", 1)[-1].strip() for line in file if " ERROR " in line]
        return "; ".join(errors[:count])
    return ""
