"""The mirror's folders in the cache. Most hold products: folders that a step builds, each with a key of all its inputs.

A product appears whole or not at all, so an interrupted build never looks finished. A product whose key still matches
is not built again.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.errors import DevError
from dev.files import hold
from dev.lab.command import Say
from dev.lab.places import EXTERNAL_ADDRESS, MIRROR, PORTS

KEY_FILE = ".key"

#: The time stamp of everything built here (2026-01-01, UTC), so that the same inputs give the same bytes.
EPOCH_SECONDS = 1767225600


class Places:
    """One mirror: `root` is its folder in the cache. The lab serves it at these addresses."""

    #: Host and port.
    registry = f"{EXTERNAL_ADDRESS}:{PORTS.registry}"
    apt_proxy = f"http://{EXTERNAL_ADDRESS}:{PORTS.apt}"
    web = f"http://{EXTERNAL_ADDRESS}:{PORTS.web}"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.binaries = root / "bin"  # programs, one folder per build
        self.packages = root / "packages"  # Debian packages, one folder per package and version
        self.images = root / "oci"  # container images and charts as OCI image layouts, one folder per reference
        self.root_filesystems = root / "rootfs"  # those of container images, made of Debian packages, one folder each
        self.logs = root / "logs"  # output of compilers and package tools
        self.apt = root / "www" / "apt"  # the apt repository, which the web server has as /apt
        self.files = root / "www" / "files"  # release archives, which the web server has as /files


#: The lab's own mirror.
MIRROR_PLACES = Places(MIRROR)


def content_key(*parts: str | bytes | Path) -> str:
    """A digest of strings and of the contents of files and folders, including file names."""
    digest = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            digest.update(len(piece).to_bytes(8, "big"))
            digest.update(piece)
    return digest.hexdigest()


def _pieces(part: str | bytes | Path) -> Iterator[bytes]:
    if isinstance(part, str):
        yield part.encode()
    elif isinstance(part, bytes):
        yield part
    elif part.is_dir():
        for path in sorted(part.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(part).as_posix().encode()
                yield path.read_bytes()
    else:
        yield part.name.encode()
        yield part.read_bytes()


def key_of(product: Path) -> str:
    """The key of a finished product, or "" when there is none."""
    try:
        return (product / KEY_FILE).read_text()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def identity(file: Path) -> str:
    """Identifies a file's content, by the key of its product if it is in one, so that big programs need not be read."""
    key = key_of(file.parent)
    return f"{file.name} {key}" if key else content_key(file)


@contextmanager
def replacing(product: Path, key: str) -> Iterator[Path]:
    """Yields an empty folder to fill. When the block ends without an error, the folder becomes `product` with `key`."""
    product.parent.mkdir(parents=True, exist_ok=True)
    fresh = product.with_name(f".{product.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    yield fresh
    (fresh / KEY_FILE).write_text(key)
    old = product.with_name(f".{product.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if product.exists():
        product.rename(old)
    fresh.rename(product)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def lock(folder: Path, say: Say) -> Iterator[None]:
    """Allows one build at a time in a folder of products, and waits for another process that is building there.

    Raises DevError for errors of the operating system in the block, such as a full disk.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        busy = f"another build is running in {folder}; waiting for it"
        with hold(folder / ".lock", f"process {os.getpid()}", lambda _: say(busy)):
            yield
    except OSError as error:
        raise DevError(f"build in {folder}: {error}") from error
