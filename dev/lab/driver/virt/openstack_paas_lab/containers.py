"""The containers of one compute host, by UUID, and the unpacked images that they share."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import nova.conf
from nova.image import glance
from nova.virt.openstack_paas_lab import cgroups
from oslo_concurrency import lockutils, processutils

CONF = nova.conf.CONF
# Seconds that a container may take until its first process runs.
START_LIMIT = 30


class StartFailed(Exception):
    """The container's first process did not run; the message is LXC's last error."""


def images() -> Path:
    """Root file systems, one folder an image, shared by every compute host."""
    return Path(CONF.state_path) / "images"


def base(image_id: str) -> Path:
    """The unpacked root file system of an image, the read-only base of all its instances."""
    return images() / image_id / "rootfs"


def ensure_base(context: Any, image_id: str) -> None:
    """Unpack the image, a tar in glance, if that has not been done. Hosts that need it at once wait for each other."""
    rootfs = base(image_id)
    if rootfs.is_dir():
        return
    with lockutils.lock(f"lab-image-{image_id}", external=True):
        if rootfs.is_dir():
            return
        shutil.rmtree(rootfs.parent, ignore_errors=True)
        tar, unpacking = rootfs.with_name("tar"), rootfs.with_name("unpacking")
        unpacking.mkdir(parents=True)
        glance.API().download(context, image_id, dest_path=str(tar))
        options = ("--numeric-owner", "--xattrs", "--xattrs-include=*")
        processutils.execute("tar", "-C", str(unpacking), *options, "-xf", str(tar))
        tar.unlink()
        unpacking.rename(rootfs)


def instances() -> Path:
    """This compute host's instances."""
    return Path(CONF.instances_path)


def folder(uuid: str) -> Path:
    """The folder of an instance."""
    return instances() / uuid


def lxc(tool: str, uuid: str, *arguments: str) -> str:
    """Run an lxc-* program on a container and return its output."""
    output, _ = processutils.execute(f"lxc-{tool}", "-P", str(instances()), "-n", uuid, *arguments)
    return str(output).strip()


def uuids() -> list[str]:
    """Every container of this host."""
    return [config.parent.name for config in instances().glob("*/config")]


def state(uuid: str) -> str | None:
    """Its state as LXC names it, or None when LXC does not know it."""
    try:
        return lxc("info", uuid, "-s", "-H")
    except (processutils.ProcessExecutionError, OSError):
        return None


def start(uuid: str) -> None:
    """Start it, after removing what an earlier run left behind. Raises StartFailed with LXC's own message."""
    if state(uuid) == "RUNNING":
        return
    cgroups.remove(cgroups.of_containers([uuid]))
    for name in ("console.log", "lxc.log"):
        (folder(uuid) / name).unlink(missing_ok=True)
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
    with contextlib.suppress(OSError), (folder(uuid) / "console.log").open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - limit))
        return file.read()
    return b""


def _first_errors(uuid: str, count: int = 2) -> str:
    """The first errors in LXC's log: the cause; those that follow are its consequences. nova keeps 255 characters."""
    with contextlib.suppress(OSError):
        lines = (folder(uuid) / "lxc.log").read_text(errors="replace").splitlines()
        errors = [line.rsplit(" - ", 1)[-1].strip() for line in lines if " ERROR " in line]
        return "; ".join(errors[:count])
    return ""
