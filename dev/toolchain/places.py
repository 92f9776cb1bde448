"""The toolchain's folders in the cache. It never writes anywhere else."""

import os
from pathlib import Path

#: The folder of this package, which also holds one folder with a go.mod for each program.
SOURCES = Path(__file__).resolve().parent


class Places:
    """The toolchain's part of the cache folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        #: A PULUMI_HOME in which the engine finds every plugin, built or official, without PATH.
        self.home = root.parent / "pulumi"
        self.binaries = root / "bin"  # the folder to put on PATH
        self.logs = root / "logs"  # Go's complete output, one file per program
        self.stamps = root / "stamps"  # the fingerprint of what each binary was built from, one file per program
        self.lock = root / "lock"  # the lock file, held by the build that may write here
        #: The file that says how long the last build of each program took, as JSON.
        self.times = root / "build-times.json"

    def create(self) -> None:
        """Make the folders that do not exist yet."""
        for folder in (self.binaries, self.logs, self.stamps):
            folder.mkdir(parents=True, exist_ok=True)


def default_places() -> Places:
    """The places under OPENSTACK_PAAS_CACHE, by default ~/.cache/openstack-paas."""
    cache = os.environ.get("OPENSTACK_PAAS_CACHE") or str(Path.home() / ".cache" / "openstack-paas")
    return Places(Path(cache).expanduser().absolute() / "toolchain")
