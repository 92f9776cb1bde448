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
    """One executable that `pulumi up` needs."""

    name: str
    """Also the name of the folder with its go.mod."""

    kind: Kind
    version: str
    """The version of the official program; for a plugin, the version that the pinned SDK asks for."""

    package: str = "."
    """The package that `go build` builds in that folder."""

    version_built: str | None = None
    """The version stamped into the binary, if it shows one."""

    copies: tuple[str, ...] = ()
    """Executable files of that folder that are installed beside the binary."""

    @property
    def binary(self) -> str:
        """The file name that the engine looks for on PATH."""
        match self.kind:
            case "engine":
                return "pulumi"
            case "language":
                return "pulumi-language-python"
            case "host":
                return "pulumi-language-python-host"
            case _:
                return f"pulumi-resource-{self.name}"

    @property
    def link_flags(self) -> str:
        """Flags that leave out debugging tables (a third of the size) and stamp the version, if one is shown."""
        flags = "-s -w"
        return f"{flags} -X {_VERSION_VARIABLE}=v{self.version_built}" if self.version_built else flags


#: The longest build comes first, so that a short one ends last.
PROGRAMS: tuple[Program, ...] = (
    Program(
        name="engine",
        kind="engine",
        version=ENGINE,
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        version_built=ENGINE,
    ),
    Program(name="openstack", kind="plugin", version="5.5.3"),
    Program(name="kubernetes", kind="plugin", version="4.34.2"),
    Program(
        name="language-host",
        kind="host",
        version=_HOST,
        package="github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
        version_built=_HOST,
    ),
    Program(name="language", kind="language", version=_HOST, copies=("pulumi-language-python-exec",)),
    Program(name="command", kind="plugin", version="1.2.1"),
    Program(name="tls", kind="plugin", version="5.6.2"),
)
