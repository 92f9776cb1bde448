"""Folders of the lab as the driver sees them: all below nova's state_path."""

import os

import nova.conf

CONF = nova.conf.CONF


def images():
    """Root file systems, one folder an image, shared by every compute host."""
    return os.path.join(CONF.state_path, "images")


def folder(uuid):
    """The folder of an instance."""
    return os.path.join(CONF.instances_path, uuid)


def base(image_id):
    """The unpacked root file system of an image."""
    return os.path.join(images(), image_id, "rootfs")
