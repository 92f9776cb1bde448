"""The lab's folders, all below nova's state_path."""

from pathlib import Path

import nova.conf

CONF = nova.conf.CONF


def state() -> Path:
    """The lab's state folder."""
    return Path(CONF.state_path)


def images() -> Path:
    """Root file systems, one folder an image, shared by every compute host."""
    return state() / "images"


def base(image_id: str) -> Path:
    """The unpacked root file system of an image."""
    return images() / image_id / "rootfs"


def instances() -> Path:
    """This compute host's instances."""
    return Path(CONF.instances_path)


def folder(uuid: str) -> Path:
    """The folder of an instance."""
    return instances() / uuid
