"""The mirror's folders in the cache, and the addresses at which the lab serves them."""

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
        self.binaries = root / "bin"  # programs, one folder per build
        self.packages = root / "packages"  # Debian packages, one folder per package and version
        self.images = root / "oci"  # container images and charts as OCI image layouts, one folder per reference
        #: Root filesystems made of Debian packages, for container images, one folder each.
        self.root_filesystems = root / "rootfs"
        self.logs = root / "logs"  # output of compilers and package tools
        self.apt = root / "www" / "apt"  # the apt repository, which the web server has as /apt
        self.files = root / "www" / "files"  # release archives, which the web server has as /files


#: The lab's own mirror.
MIRROR_PLACES = Places(MIRROR)
