"""The programs of the toolchain, as data: what each is called and what it is built from."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["engine", "language", "host", "plugin"]

#: The engine: what is built, and what the workflows install.
ENGINE = "3.274.1"

#: The official engines that will do: from the one that the program is tested on to the next major version, which will
#: not. Pulumi.yaml has the same range: an engine outside of it refuses to run the program.
ENGINES = (tuple(int(number) for number in ENGINE.split(".")), (4, 0, 0))

#: The newest language host that is a Go module.
_HOST = "3.78.0"

_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"


@dataclass(frozen=True)
class Program:
    """One executable that a stack needs."""

    name: str
    """Also the folder that holds its go.mod."""

    kind: Kind
    version: str
    """Of the official program; for a plugin, the version that the pinned SDK asks the engine for."""

    package: str = "."
    """What `go build` is told to build, in that folder."""

    version_built: str | None = None
    """Stamped into the binary where it shows one."""

    copies: tuple[str, ...] = ()
    """Executable files of the folder that are installed beside the binary."""

    note: str = ""
    """What a built one is, in a few words."""

    @property
    def binary(self) -> str:
        """The name by which the engine looks for it on PATH."""
        match self.kind:
            case "engine":
                return "pulumi"
            case "language":
                return f"pulumi-language-{self.name_of_language}"
            case "host":
                return f"pulumi-language-{self.name_of_language}-host"
            case _:
                return f"pulumi-resource-{self.name}"

    @property
    def name_of_language(self) -> str:
        """The only language that this project uses."""
        return "python"

    @property
    def link_flags(self) -> str:
        """Without debugging tables (a third of the size), and with the version where one is shown."""
        flags = "-s -w"
        return f"{flags} -X {_VERSION_VARIABLE}=v{self.version_built}" if self.version_built else flags


#: Longest build first, so that the last one to end is a short one.
PROGRAMS: tuple[Program, ...] = (
    Program(
        name="engine",
        kind="engine",
        version=ENGINE,
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        version_built=ENGINE,
        note="Pulumi's own engine",
    ),
    Program(
        name="openstack",
        kind="plugin",
        version="5.5.3",
        note="Terraform bridge over terraform-provider-openstack 3.4.0",
    ),
    Program(name="kubernetes", kind="plugin", version="4.34.2", note="stand-in on Helm's SDK and server-side apply"),
    Program(
        name="language-host",
        kind="host",
        version=_HOST,
        package="github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
        version_built=_HOST,
        note="Pulumi's own language host, which needs the next one before it",
    ),
    Program(
        name="language",
        kind="language",
        version=_HOST,
        copies=("pulumi-language-python-exec",),
        note="brings today's engine to that host, with our script that runs the program",
    ),
    Program(name="command", kind="plugin", version="1.2.1", note="stand-in on Go's SSH client"),
    Program(name="tls", kind="plugin", version="5.6.2", note="stand-in on Go's crypto/x509"),
)
