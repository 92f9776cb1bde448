"""Where the toolchain keeps what it builds. Nothing outside the cache folder is ever written."""

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
        """A PULUMI_HOME in which the engine finds every plugin, built or official, without looking at PATH."""
        return self.root.parent / "pulumi"

    @property
    def binaries(self) -> Path:
        """The folder to put on PATH."""
        return self.root / "bin"

    @property
    def logs(self) -> Path:
        """Go's whole output, one file a program."""
        return self.root / "logs"

    @property
    def stamps(self) -> Path:
        """The fingerprint of what each binary was built from, one file a program."""
        return self.root / "stamps"

    @property
    def lock(self) -> Path:
        """Held by the one build that may write here."""
        return self.root / "lock"

    @property
    def times(self) -> Path:
        """How long the last build of each program took, as JSON."""
        return self.root / "build-times.json"

    def create(self) -> None:
        """Make every folder; an existing one is left as it is."""
        for folder in (self.binaries, self.logs, self.stamps):
            folder.mkdir(parents=True, exist_ok=True)


def default_places() -> Places:
    """The places under OPENSTACK_PAAS_CACHE, or under ~/.cache/openstack-paas where that is unset."""
    cache = os.environ.get("OPENSTACK_PAAS_CACHE") or str(Path.home() / ".cache" / "openstack-paas")
    return Places(Path(cache).expanduser().absolute() / "toolchain")
