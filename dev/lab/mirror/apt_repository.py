"""The apt repository: a pool of package files and the indexes of one unsigned suite with one component.

Machines mark it as trusted: it is served on a network that only the lab's machines can reach.
"""

import gzip
import os
from email.utils import formatdate
from hashlib import sha256
from pathlib import Path

from dev.files import write_whole
from dev.lab.command import run
from dev.lab.mirror.debian_package import ARCHITECTURE
from dev.lab.mirror.product import EPOCH_SECONDS, KEY_FILE, content_key, key_of

SUITE = "stable"
COMPONENT = "main"


def publish(files: list[Path], repository: Path) -> bool:
    """Adds these package files to the pool and indexes it. Returns whether something changed."""
    pool = repository / "pool" / COMPONENT
    pool.mkdir(parents=True, exist_ok=True)
    for file in files:
        place = pool / file.name
        if not place.exists() or not place.samefile(file):
            place.unlink(missing_ok=True)
            os.link(file, place)
    packages = sorted(pool.glob("*.deb"))
    key = content_key(*(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in packages))
    if key_of(repository) == key:
        return False
    index = "\n".join(_stanza(path, repository) for path in packages).encode()
    suite = repository / "dists" / SUITE
    folder = f"{COMPONENT}/binary-{ARCHITECTURE}"
    indexes = {f"{folder}/Packages": index, f"{folder}/Packages.gz": gzip.compress(index, mtime=0)}
    for name, content in indexes.items():
        write_whole(suite / name, content)
    write_whole(suite / "Release", release(indexes, max(path.stat().st_mtime for path in packages)))
    write_whole(repository / KEY_FILE, key)
    return True


def _stanza(package: Path, repository: Path) -> str:
    """One entry of Packages: the control file and where to find the package."""
    content = package.read_bytes()
    control = run("dpkg-deb", "--field", package)
    digest = sha256(content).hexdigest()
    place = f"Filename: {package.relative_to(repository)}\nSize: {len(content)}\nSHA256: {digest}\n"
    return control.rstrip("\n") + "\n" + place


def release(indexes: dict[str, bytes], changed_seconds: float) -> str:
    """The Release file for these indexes."""
    head = {
        "Origin": "openstack-paas lab",
        "Label": "openstack-paas lab",
        "Suite": SUITE,
        "Codename": SUITE,
        "Date": formatdate(max(changed_seconds, EPOCH_SECONDS), usegmt=True),
        "Architectures": ARCHITECTURE,
        "Components": COMPONENT,
        "Description": "Kubernetes and etcd for the lab's machines",
    }
    sums = [f" {sha256(content).hexdigest()} {len(content)} {name}\n" for name, content in sorted(indexes.items())]
    return "".join(f"{name}: {value}\n" for name, value in head.items()) + "SHA256:\n" + "".join(sums)
