"""etcd's release archive in upstream's layout, for machines that install etcd from an archive."""

import gzip
import hashlib
from pathlib import Path

from dev.lab.mirror.compile import folder_of
from dev.lab.mirror.oci import Entry, pack
from dev.lab.mirror.places import Places
from dev.lab.mirror.product import content_key, key_of, replacing
from dev.lab.mirror.programs import etcd

_README = "etcd, etcdctl and etcdutl, built for the lab: a stand-in for the release archive of this name.\n"


def publish(places: Places, version: str) -> bool:
    """Writes files/etcd/v<version>/ with the archive and its SHA256SUMS. Returns whether something changed."""
    build = etcd(version)
    programs = folder_of(places, build)
    key = content_key(version, key_of(programs), _README)
    product = places.files / "etcd" / f"v{version}"
    if key_of(product) == key:
        return False
    folder = f"etcd-v{version}-linux-amd64"
    content = archive(folder, {name: programs / name for name in build.programs})
    with replacing(product, key) as fresh:
        (fresh / f"{folder}.tar.gz").write_bytes(content)
        (fresh / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  {folder}.tar.gz\n")
    return True


def archive(folder: str, programs: dict[str, Path]) -> bytes:
    """The archive's bytes, which depend only on the programs. It unpacks to `folder`."""
    files = [Entry(f"{folder}/{name}", 0o755, path) for name, path in sorted(programs.items())]
    tar = pack([Entry(folder), *files, Entry(f"{folder}/README.md", 0o644, _README.encode())])
    return gzip.compress(tar, 3, mtime=0)
