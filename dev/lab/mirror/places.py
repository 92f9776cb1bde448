"""The mirror's folders in the cache, and the addresses at which the lab serves them."""

from __future__ import annotations

from pathlib import Path

from dev.lab.places import EXTERNAL_ADDRESS, MIRROR, PORTS


class Places:
    """One mirror: `root` is its folder in the cache."""

    #: Host and port.
    registry = f"{EXTERNAL_ADDRESS}:{PORTS.registry}"
    apt_proxy = f"http://{EXTERNAL_ADDRESS}:{PORTS.apt}"
    web = f"http://{EXTERNAL_ADDRESS}:{PORTS.web}"

    def __init__(self, root: Path) -> None:
        self.root = root
        #: Programs, one folder per build.
        self.binaries = root / "bin"
        #: Debian packages, one folder per package and version.
        self.packages = root / "packages"
        #: Container images and charts as OCI image layouts, one folder per reference.
        self.images = root / "oci"
        #: Root filesystems made of Debian packages, for container images, one folder each.
        self.root_filesystems = root / "rootfs"
        #: Output of compilers and package tools.
        self.logs = root / "logs"
        #: The apt repository, which the web server has as /apt.
        self.apt = root / "www" / "apt"
        #: Release archives, which the web server has as /files.
        self.files = root / "www" / "files"


#: The lab's own mirror.
MIRROR_PLACES = Places(MIRROR)
