"""The apt sources and their signing keys."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.machine import Failed, Machine
from agent.system import files
from agent.system.apt import Apt

_FOLDER: Final = "/etc/apt/sources.list.d"
_OURS: Final = "openstack-paas-"


@dataclass(frozen=True)
class SigningKey:
    """Where a key of a source lies, and where it comes from. Another URL has another path."""

    path: str
    url: str


@dataclass(frozen=True)
class AptSources:
    """The lists of our sources, as sources.list(5) has them. An empty one means that there must be no such file.

    `debian` takes the place of the machine's own sources; `packages` stands beside them.
    """

    debian: str = ""
    packages: str = ""
    keys: tuple[SigningKey, ...] = ()


def write_sources(machine: Machine, sources: AptSources, apt: Apt) -> None:
    """Puts the sources and their keys in place. Raises Failed when a key cannot be fetched."""
    if sources.debian:
        for own in _own_lists(machine):
            own.rename(own.with_name(f"{own.name}.disabled"))
            machine.log(f"set aside {own}")
    files.install_or_remove(machine, sources.debian, f"{_FOLDER}/{_OURS}debian.list")
    files.install_or_remove(machine, sources.packages, f"{_FOLDER}/{_OURS}packages.list")
    for key in sources.keys:
        _ensure_key(machine, key, apt)


def _own_lists(machine: Machine) -> list[Path]:
    """The machine's own sources, which are set aside: they stay on the disk, and apt does not read them."""
    folder = machine.path(_FOLDER)
    found = [machine.path("/etc/apt/sources.list"), *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    return [path for path in found if not path.name.startswith(_OURS) and path.is_file() and path.stat().st_size]


def _ensure_key(machine: Machine, key: SigningKey, apt: Apt) -> None:
    path = machine.path(key.path)
    if path.is_file() and _is_key(key.path, path.read_bytes()):
        return
    content = apt.fetch(key.url, f"cannot fetch the signing key {key.url}")
    if not _is_key(key.path, content):
        # A page of a proxy, say. In its place it would break every later run, for a key is fetched once.
        raise Failed(f"what {key.url} gives is not a signing key in the form that apt reads from {key.path}")
    files.write(path, content)


def _is_key(path: str, content: bytes) -> bool:
    """apt reads armored keys from .asc and binary ones from .gpg (sources.list(5), signed-by)."""
    if path.endswith(".asc"):
        return b"-----BEGIN PGP PUBLIC KEY BLOCK-----" in content
    # The first byte of every OpenPGP packet (RFC 9580, section 4.2).
    return content[:1] >= b"\x80"
