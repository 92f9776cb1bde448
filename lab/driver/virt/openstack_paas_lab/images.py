"""Images: a tar of a root file system in glance, unpacked once and then the read-only base of every instance of it."""

import os
import shutil

from nova.image import glance
from nova.virt.openstack_paas_lab import paths
from oslo_concurrency import lockutils, processutils


def ensure(context, image_id):
    """Unpack the image unless that is done; hosts that want the same one at once wait for each other."""
    base = paths.base(image_id)
    if os.path.isdir(base):
        return
    with lockutils.lock("lab-image-" + image_id, external=True):
        if os.path.isdir(base):
            return
        folder = os.path.dirname(base)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder + "/unpacking")
        glance.API().download(context, image_id, dest_path=folder + "/tar")
        processutils.execute(
            "tar",
            "-C",
            folder + "/unpacking",
            "--numeric-owner",
            "--xattrs",
            "--xattrs-include=*",
            "-xf",
            folder + "/tar",
        )
        os.unlink(folder + "/tar")
        os.rename(folder + "/unpacking", base)
