"""The toolchain's folders in the cache. It never writes anywhere else."""

import os
from dataclasses import dataclass
from pathlib import Path

#: The folder of this package, which also holds one folder with a go.mod for each program.
SOURCES = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Places:
    """The toolchain's part of the cache folder."""

    root: Path

    @property
    def home(self) -> Path:
        """A PULUMI_HOME in which the engine finds every plugin, built or official, without PATH."""
        return self.root.parent / "pulumi"

    @property
    def binaries(self) -> Path:
        """The folder to put on PATH."""
        return self.root / "bin"

    @property
    def logs(self) -> Path:
        """Go's complete output, one file per program."""
        return self.root / "logs"

    @property
    def stamps(self) -> Path:
        """The fingerprint of what each binary was built from, one file per program."""
        return self.root / "stamps"

    @property
    def lock(self) -> Path:
        """The lock file, held by the build that may write here."""
        return self.root / "lock"

    @property
    def times(self) -> Path:
        """The file that says how long the last build of each program took, as JSON."""
        return self.root / "build-times.json"

    def create(self) -> None:
        """Make the folders that do not exist yet."""
        for folder in (self.binaries, self.logs, self.stamps):
            folder.mkdir(parents=True, exist_ok=True)


def default_places() -> Places:
    """The places under OPENSTACK_PAAS_CACHE, by default ~/.cache/openstack-paas."""
    cache = os.environ.get("OPENSTACK_PAAS_CACHE") or str(Path.home() / ".cache" / "openstack-paas")
    return Places(Path(cache).expanduser().absolute() / "toolchain")
