"""Unpacks images: tars of root file systems in glance, each the read-only base of all its instances."""

import shutil
from typing import Any

from nova.image import glance
from nova.virt.openstack_paas_lab import paths
from oslo_concurrency import lockutils, processutils


def ensure(context: Any, image_id: str) -> None:
    """Unpack the image if that has not been done. Hosts that need the same image at once wait for each other."""
    base = paths.base(image_id)
    if base.is_dir():
        return
    with lockutils.lock(f"lab-image-{image_id}", external=True):
        if base.is_dir():
            return
        folder, tar = base.parent, base.with_name("tar")
        shutil.rmtree(folder, ignore_errors=True)
        unpacking = folder / "unpacking"
        unpacking.mkdir(parents=True)
        glance.API().download(context, image_id, dest_path=str(tar))
        options = ("--numeric-owner", "--xattrs", "--xattrs-include=*")
        processutils.execute("tar", "-C", str(unpacking), *options, "-xf", str(tar))
        tar.unlink()
        unpacking.rename(base)
