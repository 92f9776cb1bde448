"""The programs of the toolchain: their names and what they are built from."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["engine", "language", "host", "plugin"]

#: The version of the engine that is built here and that the workflows install.
ENGINE = "3.274.1"

#: The supported official engines: from the tested version up to, but not including, the next major version. Pulumi.yaml
#: has the same range, and an engine outside of it refuses to run the program.
ENGINES = (tuple(int(number) for number in ENGINE.split(".")), (4, 0, 0))

#: The newest language host that is available as a Go module.
_HOST = "3.78.0"

_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


@dataclass(frozen=True)
class Program:
    """One executable that `pulumi up` needs. Its name is also that of the folder with its go.mod.

    `version` is that of the official program; for a plugin, the version that the pinned SDK asks for. `go build` builds
    `package` and stamps the version into one of Pulumi's own; ours have no variable for it. `copies` are executable
    files of the folder that are installed beside the binary.
    """

    name: str
    kind: Kind
    version: str
    package: str = "."
    copies: tuple[str, ...] = ()

    @property
    def binary(self) -> str:
        """The file name that the engine looks for on PATH."""
        return _BINARIES.get(self.kind, f"pulumi-resource-{self.name}")

    @property
    def link_flags(self) -> str:
        """Flags that leave out debugging tables (a third of the size) and stamp the version, if one is shown."""
        return "-s -w" if self.package == "." else f"-s -w -X {_VERSION_VARIABLE}=v{self.version}"


_BINARIES: dict[Kind, str] = {
    "engine": "pulumi",
    "language": "pulumi-language-python",
    "host": "pulumi-language-python-host",
}
_ENGINE_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_HOST_PACKAGE = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
#: The longest build comes first, so that a short one ends last.
PROGRAMS: tuple[Program, ...] = (
    Program("engine", "engine", ENGINE, _ENGINE_PACKAGE),
    Program("openstack", "plugin", "5.5.3"),
    Program("kubernetes", "plugin", "4.34.2"),
    Program("language-host", "host", _HOST, _HOST_PACKAGE),
    Program("language", "language", _HOST, copies=("pulumi-language-python-exec",)),
    Program("command", "plugin", "1.2.1"),
    Program("tls", "plugin", "5.6.2"),
)
