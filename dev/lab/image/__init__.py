"""The lab's machine images: tars of root filesystems, for the driver that runs machines as system containers."""
