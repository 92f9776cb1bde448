"""Builds and publishes the mirror's content, in two phases.

`compile_content` needs Go and the Go module proxy, but no daemon. It makes programs, Debian packages, the apt
repository and etcd's archive. `publish_content` needs the mirror's daemons (apt proxy and registry). It makes container
images and charts. Both can be interrupted at any point and run again. With everything in place they take well under a
second.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dev.lab.command import run
from dev.lab.mirror import apt_repository, chart, debian_package, etcd_archive, images, root_filesystem
from dev.lab.mirror.compile import compile_all
from dev.lab.mirror.long_command import Progress
from dev.lab.mirror.packages import all_packages
from dev.lab.mirror.places import MIRROR_PLACES, Places
from dev.lab.mirror.product import content_key, key_of, lock, replacing
from dev.lab.mirror.programs import etcd_versions, release
from dev.lab.mirror.registry import Registry
from settings import versions

_CHARTS = Path(__file__).parent / "charts"
_CHART_REPOSITORY = "charts"
#: Debian packages that builds need, by a program in each.
_TOOLS = {"gcc": "gcc", "mmdebstrap": "mmdebstrap", "dpkg-deb": "dpkg", "zstd": "zstd"}
#: The same by a file in each.
_TOOL_FILES = {
    Path("/usr/include/stdio.h"): "libc6-dev",
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"): "debian-archive-keyring",
}
_INSTALL_SECONDS = 600
#: The release that new platforms get.
KUBERNETES = versions.KUBERNETES[versions.DEFAULT_KUBERNETES].patch


def ensure(progress: Progress, kubernetes: str = KUBERNETES, places: Places = MIRROR_PLACES) -> None:
    """Both phases, for the lab's own Kubernetes release and the given one."""
    compile_content(progress, kubernetes, places)
    publish_content(progress, kubernetes, places)


def wanted_versions(kubernetes: str) -> tuple[str, ...]:
    """The lab's own Kubernetes release and the given one. Raises DevError when the lab does not have that one."""
    return tuple(dict.fromkeys((KUBERNETES, release(kubernetes))))


def compile_content(progress: Progress, kubernetes: str = KUBERNETES, places: Places = MIRROR_PLACES) -> None:
    """The phase that needs no daemon."""
    wanted = wanted_versions(kubernetes)
    with lock(places.root, progress):
        _install_tools(places, progress)
        compile_all(places, wanted, progress)
        files = [debian_package.make(package, places.packages) for package in all_packages(places, wanted)]
        if apt_repository.publish(files, places.apt):
            progress(f"apt repository: {len(files)} packages")
        for etcd in etcd_versions(wanted):
            if etcd_archive.publish(places, etcd):
                progress(f"etcd {etcd}: release archive")


def publish_content(progress: Progress, kubernetes: str = KUBERNETES, places: Places = MIRROR_PLACES) -> None:
    """The phase that needs the apt proxy and the registry."""
    wanted = wanted_versions(kubernetes)
    with lock(places.root, progress), Registry(places.registry) as registry:
        registry.check()
        everything = images.all_images(places, wanted)
        bases = list(dict.fromkeys(image.base for image in everything if image.base))
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(lambda base: root_filesystem.make(places, base, progress), bases):
                pass
        for image in everything:
            images.write(places, image)
            if registry.push(image.folder(places), image.name, image.tag):
                progress(f"registry: {image.reference}")
        for folder in sorted(path for path in _CHARTS.glob("*") if path.is_dir()):
            _publish_chart(folder, places, registry, progress)


def _publish_chart(folder: Path, places: Places, registry: Registry, progress: Progress) -> None:
    document = chart.metadata(folder)
    name, tag = f"{_CHART_REPOSITORY}/{document['name']}", chart.tag(str(document["version"]))
    product = places.images / f"{name}+{tag}".replace("/", "_")
    key = content_key(chart.archive(folder))
    if key_of(product) != key:
        with replacing(product, key) as fresh:
            chart.write(folder, fresh)
    if registry.push(product, name, tag):
        progress(f"registry: {name}:{tag}")


def _install_tools(places: Places, progress: Progress) -> None:
    """Installs the Debian packages that builds need and this host lacks."""
    missing = {package for program, package in _TOOLS.items() if not shutil.which(program)}
    missing |= {package for file, package in _TOOL_FILES.items() if not file.exists()}
    if not missing:
        return
    progress(f"installing {', '.join(sorted(missing))}")
    places.logs.mkdir(parents=True, exist_ok=True)
    for action in (("update",), ("install", "--no-install-recommends", *sorted(missing))):
        run(
            *("apt-get", "--yes", f"--option=DPkg::Lock::Timeout={_INSTALL_SECONDS}", *action),
            timeout=_INSTALL_SECONDS,
            environment={"DEBIAN_FRONTEND": "noninteractive"},
            log=places.logs / "apt.log",
        )
