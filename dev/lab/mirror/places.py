"""Where the mirror keeps what it builds, and under which addresses the lab serves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dev.lab.places import EXTERNAL_ADDRESS, MIRROR, PORTS


@dataclass(frozen=True)
class Places:
    """One mirror: `root` is its folder in the cache, the rest are addresses (the registry's is host:port)."""

    root: Path
    registry: str = f"{EXTERNAL_ADDRESS}:{PORTS.registry}"
    apt_proxy: str = f"http://{EXTERNAL_ADDRESS}:{PORTS.apt}"
    web: str = f"http://{EXTERNAL_ADDRESS}:{PORTS.web}"

    @property
    def binaries(self) -> Path:
        """Programs, one folder a build."""
        return self.root / "bin"

    @property
    def packages(self) -> Path:
        """Debian packages, one folder a package and version."""
        return self.root / "packages"

    @property
    def images(self) -> Path:
        """Container images and charts as OCI image layouts, one folder a reference."""
        return self.root / "oci"

    @property
    def root_filesystems(self) -> Path:
        """Root filesystems of Debian packages for container images, one folder each."""
        return self.root / "rootfs"

    @property
    def logs(self) -> Path:
        """Output of compilers and package tools."""
        return self.root / "logs"

    @property
    def web_root(self) -> Path:
        """What the web server serves."""
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
