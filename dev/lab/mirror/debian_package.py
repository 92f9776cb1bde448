"""Describes a Debian package and makes its file with dpkg-deb, reproducibly."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.lab.command import run
from dev.lab.mirror.product import EPOCH_SECONDS, content_key, identity, key_of, replacing

ARCHITECTURE = "amd64"


@dataclass(frozen=True)
class Content:
    """One file of a package: a copy of `source`, or an empty file without one."""

    source: Path | None
    mode: int = 0o755


@dataclass(frozen=True)
class DebianPackage:
    """`version` includes upstream's revision, `files` are keyed by absolute path, `scripts` by name."""

    name: str
    version: str
    summary: str
    description: str
    section: str
    depends: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    files: Mapping[str, Content] = field(default_factory=dict)
    configuration_files: tuple[str, ...] = ()
    scripts: Mapping[str, Path] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The file's name in a Debian archive."""
        return f"{self.name}_{self.version}_{ARCHITECTURE}.deb"

    def control(self, installed_kib: int) -> str:
        """The text of the control file."""
        fields = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": ARCHITECTURE,
            "Maintainer": "openstack-paas lab <lab@openstack-paas.invalid>",
            "Installed-Size": str(installed_kib),
            "Depends": ", ".join(self.depends),
            "Recommends": ", ".join(self.recommends),
            "Section": self.section,
            "Priority": "optional",
            "Description": f"{self.summary}\n {self.description}",
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)

    def key(self) -> str:
        """A key that changes whenever the file would. It does not depend on where the project and its cache are."""
        files = [
            f"{path} {item.mode:o} {identity(item.source) if item.source else 'empty'}"
            for path, item in sorted(self.files.items())
        ]
        return content_key(self.control(0), *files, *self.configuration_files, *self.scripts, *self.scripts.values())


def product_of(package: DebianPackage, folder: Path) -> Path:
    """The product under `folder` that holds the package's file."""
    return folder / f"{package.name}_{package.version}"


def make(package: DebianPackage, folder: Path) -> Path:
    """Makes the package's file in its own product under `folder`, if it is missing or out of date. Returns its path."""
    product = product_of(package, folder)
    key = package.key()
    if key_of(product) != key:
        with replacing(product, key) as fresh:
            _pack(package, fresh / package.file_name, fresh / "tree")
    return product / package.file_name


def _pack(package: DebianPackage, target: Path, tree: Path) -> None:
    size = 0
    for path, item in sorted(package.files.items()):
        place = tree / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if item.source is None:
            place.touch()
        else:
            shutil.copyfile(item.source, place)
        place.chmod(item.mode)
        size += place.stat().st_size
    control = tree / "DEBIAN"
    control.mkdir(parents=True)
    (control / "control").write_text(package.control(-(-size // 1024)))
    if package.configuration_files:
        (control / "conffiles").write_text("".join(f"{path}\n" for path in package.configuration_files))
    for name, script in package.scripts.items():
        shutil.copyfile(script, control / name)
        (control / name).chmod(0o755)
    for path_object in [tree, *tree.rglob("*")]:
        if path_object.is_dir():
            path_object.chmod(0o755)
        os.utime(path_object, (EPOCH_SECONDS, EPOCH_SECONDS))
    run(
        *("dpkg-deb", "--root-owner-group", "-Zzstd", "-z3", "--build", tree, target),
        timeout=300,
        environment={"SOURCE_DATE_EPOCH": str(EPOCH_SECONDS)},
    )
    shutil.rmtree(tree)
