"""Builds and publishes the mirror's content: Debian packages, etcd's archive, container images and charts.

It needs Go, the Go module proxy, and the mirror's daemons (apt proxy and registry). It can be interrupted at any point
and run again. With everything in place it takes well under a second.
"""

import gzip
import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from dev.lab.command import Say
from dev.lab.mirror import apt_repository, chart, debian_package, images, root_filesystem
from dev.lab.mirror.compile import compile_all, folder_of
from dev.lab.mirror.oci import Entry, pack
from dev.lab.mirror.packages import all_packages
from dev.lab.mirror.product import MIRROR_PLACES as PLACES
from dev.lab.mirror.product import content_key, key_of, lock, replacing
from dev.lab.mirror.programs import etcd, etcd_versions, release
from dev.lab.mirror.registry import Registry
from settings import versions

_CHARTS = Path(__file__).parent / "charts"
_CHART_REPOSITORY = "charts"
_ETCD_README = "etcd, etcdctl and etcdutl, built for the lab: a stand-in for the release archive of this name.\n"
#: The release that new platforms get.
KUBERNETES = versions.KUBERNETES[versions.DEFAULT_KUBERNETES].patch


def wanted_versions(kubernetes: str) -> tuple[str, ...]:
    """The lab's own Kubernetes release and the given one. Raises DevError when the lab does not have that one."""
    return tuple(dict.fromkeys((KUBERNETES, release(kubernetes))))


def ensure(say: Say, kubernetes: str = KUBERNETES) -> None:
    """Builds and publishes everything for the lab's own Kubernetes release and the given one."""
    wanted = wanted_versions(kubernetes)
    with lock(PLACES.root, say):
        compile_all(PLACES, wanted, say)
        files = [debian_package.make(package, PLACES.packages) for package in all_packages(PLACES, wanted)]
        if apt_repository.publish(files, PLACES.apt):
            say(f"apt repository: {len(files)} packages")
        for version in etcd_versions(wanted):
            _publish_etcd(version, say)
        with closing(Registry(PLACES.registry)) as registry:
            registry.check()
            everything = images.all_images(PLACES, wanted)
            bases = list(dict.fromkeys(image.base for image in everything if image.base))
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda base: root_filesystem.make(PLACES, base, say), bases))
            for image in everything:
                images.write(PLACES, image)
                if registry.push(image.folder(PLACES), image.name, image.tag):
                    say(f"registry: {image.reference}")
            for folder in sorted(path for path in _CHARTS.glob("*") if path.is_dir()):
                _publish_chart(folder, registry, say)


def _publish_etcd(version: str, say: Say) -> None:
    """Writes files/etcd/v<version>/ with the archive and its SHA256SUMS, for machines that install etcd from it."""
    build = etcd(version)
    programs = folder_of(PLACES, build)
    product, name = PLACES.files / "etcd" / f"v{version}", f"etcd-v{version}-linux-amd64"
    key = content_key(version, key_of(programs), _ETCD_README)
    if key_of(product) == key:
        return
    content = etcd_archive(name, {each: programs / each for each in build.programs})
    with replacing(product, key) as fresh:
        (fresh / f"{name}.tar.gz").write_bytes(content)
        (fresh / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  {name}.tar.gz\n")
    say(f"etcd {version}: release archive")


def etcd_archive(folder: str, programs: dict[str, Path]) -> bytes:
    """etcd's release archive in upstream's layout. Its bytes depend only on the programs. It unpacks to `folder`."""
    files = [Entry(f"{folder}/{name}", 0o755, path) for name, path in sorted(programs.items())]
    tar = pack([Entry(folder), *files, Entry(f"{folder}/README.md", 0o644, _ETCD_README.encode())])
    return gzip.compress(tar, 3, mtime=0)


def _publish_chart(folder: Path, registry: Registry, say: Say) -> None:
    document = chart.metadata(folder)
    name = f"{_CHART_REPOSITORY}/{document['name']}"
    tag = str(document["version"]).replace("+", "_")  # a tag may not contain a plus sign
    product = PLACES.images / f"{name}+{tag}".replace("/", "_")
    key = content_key(chart.archive(folder))
    if key_of(product) != key:
        with replacing(product, key) as fresh:
            chart.write(folder, fresh)
    if registry.push(product, name, tag):
        say(f"registry: {name}:{tag}")
