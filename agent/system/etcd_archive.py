"""etcd's release archive, for sites whose apt sources have no package of it.

PATH has its programs before those of a package.
"""

import hashlib
import os
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from agent.machine import Failed, Machine
from agent.system import dpkg, files
from agent.system.apt import Apt

LOCAL_PROGRAMS: Final = "/usr/local/bin"
#: etcd comes last: where it is another one than the mark says, or where it is not, the archive is not installed.
_PROGRAMS: Final = ("etcdctl", "etcdutl", "etcd")


@dataclass(frozen=True)
class EtcdArchive:
    """A release archive: Debian's word for its architecture, its SHA-256 as 64 hexadecimal digits, and where it is."""

    architecture: str
    sha256: str
    url: str


def installed_version(machine: Machine) -> str:
    """The version whose programs are here from an archive; nothing where there are none."""
    return files.read(_mark(machine)) if os.access(_program(machine, "etcd"), os.X_OK) else ""


def fetch(machine: Machine, version: str, archives: Iterable[EtcdArchive], apt: Apt) -> Path:
    """The archive for this machine's architecture, on its disk.

    Raises Failed when its SHA-256 is not known, or is another one: none such is taken, whoever fetched it.
    """
    architecture = dpkg.architecture(machine)
    chosen = next((each for each in archives if each.architecture == architecture), None)
    if chosen is None or not re.fullmatch("[0-9a-f]{64}", chosen.sha256):
        raise Failed(
            f"no apt source offers etcd {version}, and the SHA-256 of its archive for {architecture} is not known: "
            "set etcd.sha256"
        )
    path = machine.state / f"etcd-{version}.tar.gz"
    if path.is_file() and _digest(path.read_bytes()) == chosen.sha256:
        return path
    path.unlink(missing_ok=True)
    machine.log(f"fetching etcd {version} from {chosen.url}")
    refused = f"cannot fetch {chosen.url}, or its SHA-256 is not {chosen.sha256}"
    content = apt.fetch(chosen.url, refused, chosen.sha256)
    if (found := _digest(content)) != chosen.sha256:
        raise Failed(f"{refused}: it is {found}")
    files.write(path, content)
    return path


def install(machine: Machine, version: str, archives: Iterable[EtcdArchive], apt: Apt) -> None:
    """Puts the programs in place. What runs goes on with the old one until it restarts."""
    archive = fetch(machine, version, archives, apt)
    machine.log(f"installing etcd {version} from its archive")
    programs = _unpack(archive)
    for name in _PROGRAMS:
        files.write(_program(machine, name), programs[name], 0o755)
    files.write(_mark(machine), f"{version}\n")
    archive.unlink()


def forget(machine: Machine) -> None:
    """A package was installed in its place. An interrupted run does this again, for etcd's own program goes last."""
    for name in _PROGRAMS:
        _program(machine, name).unlink(missing_ok=True)
    _mark(machine).unlink(missing_ok=True)


def _unpack(archive: Path) -> dict[str, bytes]:
    """The programs in it. They lie in one folder, whatever its name is; nothing else is looked at."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                parts = PurePosixPath(member.name).parts
                file = tar.extractfile(member) if len(parts) == 2 and member.isfile() else None
                if file is not None and parts[1] in _PROGRAMS:
                    found[parts[1]] = file.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Failed(f"{archive} cannot be unpacked: {error}") from None
    if missing := [name for name in _PROGRAMS if name not in found]:
        raise Failed(f"{archive} does not hold {', '.join(missing)}: is it a release archive of etcd?")
    return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _program(machine: Machine, name: str) -> Path:
    return machine.path(f"{LOCAL_PROGRAMS}/{name}")


def _mark(machine: Machine) -> Path:
    return machine.state / "etcd-archive"
