"""The mirror's folders in the cache, and the addresses at which the lab serves them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dev.lab.places import EXTERNAL_ADDRESS, MIRROR, PORTS


@dataclass(frozen=True)
class Places:
    """One mirror. `root` is its folder in the cache; the others are addresses (the registry's is host:port)."""

    root: Path
    registry: str = f"{EXTERNAL_ADDRESS}:{PORTS.registry}"
    apt_proxy: str = f"http://{EXTERNAL_ADDRESS}:{PORTS.apt}"
    web: str = f"http://{EXTERNAL_ADDRESS}:{PORTS.web}"

    @property
    def binaries(self) -> Path:
        """Programs, one folder per build."""
        return self.root / "bin"

    @property
    def packages(self) -> Path:
        """Debian packages, one folder per package and version."""
        return self.root / "packages"

    @property
    def images(self) -> Path:
        """Container images and charts as OCI image layouts, one folder per reference."""
        return self.root / "oci"

    @property
    def root_filesystems(self) -> Path:
        """Root filesystems made of Debian packages, for container images, one folder each."""
        return self.root / "rootfs"

    @property
    def logs(self) -> Path:
        """Output of compilers and package tools."""
        return self.root / "logs"

    @property
    def web_root(self) -> Path:
        """The root folder of the web server."""
        return self.root / "www"

    @property
    def apt(self) -> Path:
        """The apt repository, served as /apt."""
        return self.web_root / "apt"

    @property
    def files(self) -> Path:
        """Release archives, served as /files."""
        return self.web_root / "files"


#: The lab's own mirror.
MIRROR_PLACES = Places(root=MIRROR)
